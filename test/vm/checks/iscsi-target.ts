// Debian's target and initiator in this machine, for checks of disks.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../e2e/cluster.ts';

export const iqn = 'iqn.2003-01.io.k8s:vm';
export const portals = ['10.0.2.15:3260', '10.0.2.16:3260'] as const;
export const chap = { user: 'reader', password: 'correct-horse-battery' };
const disks = '/var/disks';

async function must(line: string): Promise<string> {
  const [program, ...args] = line.split(' ');
  const { code, stdout, stderr } = await run(program!, args);
  assert.equal(code, 0, `${line}: ${stderr}`);
  return stdout;
}

/** Targets `plain`, `guarded` (by CHAP) and `paths`, each with one disk, as number 1: number 0 is the target itself. */
export async function startTargets(): Promise<AsyncDisposable> {
  mkdirSync(disks, { recursive: true });
  await must('modprobe iscsi_tcp');
  await must('ip address add 10.0.2.16/24 dev lo');
  writeFileSync('/etc/iscsi/initiatorname.iscsi', 'InitiatorName=iqn.1993-08.org.debian:01:vm\n');
  const daemons = ['tgtd', 'iscsid'].map((program) => spawn(program, ['-f'], { stdio: 'ignore' }));
  await answers();
  const names = ['plain', 'guarded', 'paths'];
  for (const [index, name] of names.entries()) await makeTarget(index + 1, name);
  const guarded = names.indexOf('guarded') + 1;
  await must(`tgtadm --lld iscsi --op new --mode account --user ${chap.user} --password ${chap.password}`);
  await must(`tgtadm --lld iscsi --op bind --mode account --tid ${guarded} --user ${chap.user}`);
  return {
    async [Symbol.asyncDispose]() {
      for (const daemon of daemons) daemon.kill('SIGKILL');
      await run('ip', ['address', 'delete', '10.0.2.16/24', 'dev', 'lo']);
      rmSync(disks, { recursive: true });
    },
  };
}

/** @throws with what the tool says when the target does not answer within a minute or so */
async function answers(): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { code, stderr } = await run('tgtadm', ['--lld', 'iscsi', '--op', 'show', '--mode', 'target']);
    if (code === 0) return;
    assert.ok(attempt < 100, `tgtd does not answer: ${stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function makeTarget(number: number, name: string): Promise<void> {
  const file = join(disks, name);
  writeFileSync(file, '');
  truncateSync(file, 400 * 2 ** 20);
  const tgt = (rest: string) => must(`tgtadm --lld iscsi ${rest}`);
  await tgt(`--op new --mode target --tid ${number} --targetname ${iqn}.${name}`);
  await tgt(`--op new --mode logicalunit --tid ${number} --lun 1 --backing-store ${file}`);
  await tgt(`--op bind --mode target --tid ${number} --initiator-address ALL`);
}

/** Names of the targets that this machine is logged in to, one for each session. */
export function sessions(): string[] {
  const folder = '/sys/class/iscsi_session';
  return readdirSync(folder).map((name) => readFileSync(join(folder, name, 'targetname'), 'utf8').trim());
}

/** Sessions and mounts that are there. */
export function leftovers(): string[] {
  return [...sessions(), ...(readFileSync('/proc/mounts', 'utf8').match(/.*iscsi.*/g) ?? [])];
}

/** Targets that the initiator knows: also those that a portal told of and nobody asked for. */
export async function knownTargets(): Promise<string> {
  return (await run('iscsiadm', ['-m', 'node'])).stdout;
}
