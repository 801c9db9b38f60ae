// Targets for tests, as far as an initiator sees them: see iscsiadm.ts.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IscsiMachine, thisMachine } from '../volumes/iscsi/settings.ts';

interface Chap {
  readonly username: string;
  readonly password: string;
}

export interface TargetModel {
  /** `ADDRESS:PORT` of those that answer. */
  portals: string[];
  discoveryChap?: Chap | undefined;
  targets: Record<string, { chap?: Chap | undefined; luns: Record<string, string> }>;
}

export interface IscsiTargets {
  readonly dir: string;
  readonly machine: IscsiMachine;
  model(next: TargetModel): void;
  /** A disk without anything on it. */
  disk(name: string): string;
  /** Every call of the tool. */
  calls(): string[][];
  /** Sessions, loop devices, records and links that are there. */
  leftovers(): string[];
  remove(): void;
}

const diskBytes = 16 * 2 ** 20;

/** Puts the stand-in in front of PATH. */
export function createIscsiTargets(): IscsiTargets {
  const dir = mkdtempSync(join(tmpdir(), 'iscsi-'));
  const at = (path: string) => join(dir, path);
  for (const folder of [
    'bin',
    'records',
    'sys/class/iscsi_host',
    'sys/class/scsi_host',
    'sys/block',
    'by-path',
    'disks',
  ])
    mkdirSync(at(folder), { recursive: true });
  const program = join(import.meta.dirname, 'iscsiadm.ts');
  writeFileSync(
    at('bin/iscsiadm'),
    `#!/bin/sh\nNODE_COMPILE_CACHE='${at('cache')}' exec '${process.execPath}' --no-warnings '${program}' "$@"\n`,
    {
      mode: 0o755,
    },
  );
  const path = process.env.PATH;
  process.env.PATH = `${at('bin')}:${path}`;
  process.env.ISCSI_STAND_IN = dir;
  const loops = () =>
    execFileSync('losetup', ['--list', '--noheadings', '--output', 'NAME,BACK-FILE'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(`${dir}/`));
  return {
    dir,
    machine: {
      ...thisMachine,
      byPath: at('by-path'),
      sysfs: at('sys'),
      records: [at('records')],
      deviceWaitMs: 60_000,
      multipathWaitMs: 0,
    },
    model: (next) => writeFileSync(at('model.json'), JSON.stringify(next)),
    disk(name) {
      const file = at(`disks/${name}`);
      writeFileSync(file, '');
      truncateSync(file, diskBytes);
      return file;
    },
    calls() {
      const lines = readFileSync(at('calls'), 'utf8').trim().split('\n');
      return lines.map((line) => JSON.parse(line) as string[]);
    },
    leftovers: () => [
      ...['by-path', 'sys/block', 'sys/class/iscsi_host'].flatMap((folder) => readdirSync(at(folder))),
      ...readdirSync(at('records'), { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map(({ name }) => name),
      ...loops(),
    ],
    remove() {
      for (const line of loops()) execFileSync('losetup', ['--detach', line.split(/\s+/)[0]!]);
      rmSync(dir, { recursive: true, force: true });
      process.env.PATH = path;
    },
  };
}
