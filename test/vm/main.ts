// `make vm [ONLY=cgroups,iscsi]`: what this machine's kernel cannot do is tried under Debian's own, in a virtual machine.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { findProgram } from '../../src/cluster/preflight.ts';
import { kubectlProgram, root } from '../e2e/cluster.ts';
import { runMachine } from './machine.ts';
import { againFile, type Check, chosenChecks } from './plan.ts';

/** And the package of Debian's that has each. */
const neededPrograms = new Map([
  ['qemu-system-x86_64', 'qemu-system-x86'],
  ['debootstrap', 'debootstrap'],
  ['mke2fs', 'e2fsprogs'],
]);
const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, megabytes: { type: 'string', default: '5120' } },
});
const chosen = chosenChecks(values.only);
const missing = [...neededPrograms].filter(([name]) => !findProgram(name)).map(([, debianPackage]) => debianPackage);
if (missing.length > 0) throw new Error(`apt-get install --no-install-recommends ${missing.join(' ')}`);
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

const image = await ensureImage();
const scratch = mkdtempSync(join(tmpdir(), 'coracle-vm-'));
const results = join(scratch, 'results');
mkdirSync(results);
try {
  copyFileSync(kubectlProgram(), join(results, 'kubectl'));
  for (const underSystemd of [false, true]) {
    const checks = chosen.filter((check) => Boolean(check.underSystemd) === underSystemd);
    if (checks.length > 0) await runChecks(checks, underSystemd);
  }
  tell();
} catch (error) {
  if (!stopping.signal.aborted) throw error;
  process.exitCode = 130;
} finally {
  rmSync(scratch, { recursive: true });
}

/** Made once: the mirror is asked only when the list of packages has changed. */
async function ensureImage(): Promise<string> {
  const folder = join(homedir(), '.cache/coracle/vm');
  const script = join(import.meta.dirname, 'make-root.sh');
  const [stamp, wanted] = [join(folder, 'stamp'), readFileSync(script, 'utf8')];
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return folder;
  console.log(`making the machine's disk in ${folder}: some minutes, once`);
  mkdirSync(folder, { recursive: true });
  const child = spawn(script, [folder], { stdio: 'inherit', signal: stopping.signal });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`the machine's disk could not be made: ${script} ended with ${code}`);
  writeFileSync(stamp, wanted);
  return folder;
}

async function runChecks(checks: readonly Check[], underSystemd: boolean): Promise<void> {
  writeFileSync(join(results, 'checks.json'), JSON.stringify(checks));
  const disk = join(scratch, 'disk.qcow2');
  const again = join(results, basename(againFile));
  // What the machine writes is not for the next one.
  const made = ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', join(image, 'disk.ext4'), disk];
  const [code] = await once(spawn('qemu-img', made, { stdio: 'inherit' }), 'close');
  if (code !== 0) throw new Error(`qemu-img ended with ${code}`);
  const machine = { image, disk, repository: root, results, underSystemd, megabytes: Number(values.megabytes) };
  do {
    rmSync(again, { force: true });
    await runMachine(machine, stopping.signal);
  } while (existsSync(again));
}

/** A line a check; one that is missing was never ended. */
function tell(): void {
  const read = (name: string) => (existsSync(join(results, name)) ? readFileSync(join(results, name), 'utf8') : '');
  const lines = new Map(
    read('lines')
      .split('\n')
      .map((line) => [line.replace(/^(not )?ok (\S+).*/, '$2'), line]),
  );
  for (const { name } of chosen) {
    const line = lines.get(name) ?? `not ok ${name} (the machine went off meanwhile)`;
    console.log(line);
    if (line.startsWith('not ok')) process.stdout.write(read(`${name}.failures`).replace(/^(?=.)/gm, '  '));
    if (line.startsWith('not ok')) process.exitCode = 1;
  }
}
