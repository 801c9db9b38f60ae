import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { applyEdits } from './apply-edits.ts';
import { findEdits } from './cdi-folders.ts';

const [low, high] = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'coracle-cdi-'))) as [string, string];
after(() => {
  for (const folder of [low, high]) rmSync(folder, { recursive: true, force: true });
});
const spec = (kind: string, devices: object[], containerEdits: object = {}) => ({
  cdiVersion: '0.6.0',
  kind,
  devices,
  containerEdits,
});
const write = (folder: string, name: string, value: unknown) =>
  writeFileSync(join(folder, name), JSON.stringify(value));
const nothing = { envs: new Map(), mounts: [], devices: [], annotations: new Map(), cdiDevices: [] };

write(low, 'old.json', spec('a.com/gpu', [{ name: 'one', containerEdits: { env: ['FROM=low'] } }]));
write(
  high,
  'new.json',
  spec('a.com/gpu', [{ name: 'one', containerEdits: { env: ['FROM=high'] } }], { env: ['ALL=1'] }),
);
write(high, 'broken.json', { kind: 'a.com/gpu', devices: [{}] });
writeFileSync(join(high, 'garbage.json'), '{');
writeFileSync(
  join(high, 'net.yaml'),
  'cdiVersion: 0.6.0\nkind: b.com/net\ndevices:\n- name: x\n  containerEdits: {mounts: [{hostPath: /h, containerPath: /c, options: [ro, rslave]}], deviceNodes: [{path: /dev/x, hostPath: /dev/y}], additionalGids: [7]}\n',
);
write(high, 'twice-1.json', spec('c.com/x', [{ name: 'd', containerEdits: {} }]));
write(high, 'twice-2.json', spec('c.com/x', [{ name: 'd', containerEdits: {} }]));
write(
  high,
  'hook.json',
  spec('d.com/x', [{ name: 'd', containerEdits: { hooks: [{ hookName: 'prestart', path: '/x' }] } }]),
);

const edits = async (...names: string[]) =>
  applyEdits(nothing, await findEdits(names, [low, high]), async ({ path, hostPath }) => hostPath ?? path);

test('a device’s edits and those of its file are found in the folder that wins', async () => {
  const { envs } = await edits('a.com/gpu=one');
  assert.deepEqual(
    [...envs],
    [
      ['ALL', '1'],
      ['FROM', 'high'],
    ],
  );
});

test('edits become what the runtime is told', async () => {
  const { mounts, devices, groups } = await edits('b.com/net=x');
  assert.deepEqual(mounts, [
    { containerPath: '/c', hostPath: '/h', readonly: true, propagation: 'PROPAGATION_HOST_TO_CONTAINER' },
  ]);
  assert.deepEqual(devices, [{ containerPath: '/dev/x', hostPath: '/dev/y', permissions: 'rwm' }]);
  assert.deepEqual(groups, [7]);
});

for (const [name, problem] of [
  ['a.com/gpu=two', /unresolvable CDI devices a.com\/gpu=two/],
  ['c.com/x=d', /conflicting CDI devices c.com\/x=d/],
  ['d.com/x=d', /need containerd 2/],
] as const)
  test(`device ${name} is refused`, () => assert.rejects(edits(name), problem));
