// Two clusters that start in the same instant both find a port free. A file says who has chosen it, until its owner listens.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTimeOf } from './state.ts';

const claimed = new Set<string>();
const fileOf = (port: number) => join(tmpdir(), `.coracle-port-${port}`);

/** Whether the port is this process's to take. What a dead process claimed is free again. */
export function claimPort(port: number): boolean {
  const file = fileOf(port);
  if (claimed.has(file)) return true;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(file, `${process.pid} ${startTimeOf(process.pid) ?? ''}`, { flag: 'wx', mode: 0o644 });
      claimed.add(file);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return true; // nowhere to say so: then without
      if (isHeld(file)) return false;
      rmSync(file, { force: true });
    }
  }
  return false;
}

/** The ports are listened on by now, or will not be: whoever looks sees for themselves. */
export function releasePorts(): void {
  for (const file of claimed) rmSync(file, { force: true });
  claimed.clear();
}

function isHeld(file: string): boolean {
  try {
    const [pid = '', started = ''] = readFileSync(file, 'utf8').split(' ');
    return startTimeOf(Number(pid)) === started;
  } catch {
    return false;
  }
}
