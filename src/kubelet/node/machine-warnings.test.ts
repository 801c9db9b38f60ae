import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { tellMachineWarnings } from './machine-warnings.ts';

const base = mkdtempSync(join(tmpdir(), 'machine-warnings-'));
after(() => rmSync(base, { recursive: true, force: true }));
const path = join(base, 'resolv.conf');

async function warnings(version: 1 | 2, clusterDomain = 'cluster.local'): Promise<string[]> {
  const told: string[] = [];
  const events = {
    node: (_: unknown, type: string, reason: string, message: string) => told.push(`${type} ${reason} ${message}`),
  };
  const machine = { cgroups: { version }, resolvConf: path, clusterDomain };
  await tellMachineWarnings(machine, events as never, { metadata: { name: 'n' } });
  return told;
}

const names = (count: number, length: number) =>
  Array.from({ length: count }, (_, i) => `${i}`.padEnd(length, 'x')).join(' ');
const start = 'Warning CheckLimitsForResolvConf Resolv.conf file';

for (const { name, text, want } of [
  { name: 'that fits', text: `search ${names(29, 3)}`, want: [] },
  {
    name: 'of too many names',
    text: `search ${names(30, 3)}`,
    want: [`${start} '${path}' contains search line consisting of more than 29 domains!`],
  },
  {
    name: 'with a name too long',
    text: `search ${'x'.repeat(254)}`,
    want: [`${start} "${path}" contains a search path which length is more than allowed 253 chars!`],
  },
  {
    name: 'that is too long as a whole',
    text: `search ${names(20, 200)}`,
    want: [`${start} '${path}' contains search line which length is more than allowed 2048 chars!`],
  },
])
  test(`a resolv.conf ${name} is told ${want.length ? 'about' : 'nothing of'}`, async () => {
    writeFileSync(path, text);
    assert.deepEqual(await warnings(2), want);
  });

test('a resolv.conf that is not there, and the first version of cgroups, are told', async () => {
  rmSync(path, { force: true });
  const [cgroups, dns, ...rest] = await warnings(1);
  assert.match(cgroups!, /^Warning CgroupV1 cgroup v1 detected\. cgroup v1 support is deprecated and will be removed/);
  assert.equal(dns, `Warning CheckLimitsForResolvConf open ${path}: no such file or directory`);
  assert.deepEqual(rest, []);
});
