// Ports of clusters side by side on a machine. A file says whose a port is: from the moment it is chosen, because two that
// start together both find it free, and as long as that cluster's settings name it, because it comes back to it.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCodes, UserFailure } from '../failure.ts';
import { startTimeOf } from './state.ts';

const fileOf = (port: number) => join(tmpdir(), `.coracle-port-${port}`);

/**
 * Makes a port this cluster's.
 *
 * @param owner the file that will say which ports the cluster has
 * @returns false where it is another's, or something listens there
 */
export async function takePort(port: number, owner: string): Promise<boolean> {
  // First claimed, then tried: whoever tries a port listens on it for a moment.
  const claim = claimPort(port, owner);
  if (claim === 'another') return false;
  if (await isFree(port)) return true;
  if (claim === 'new') rmSync(fileOf(port), { force: true });
  return false;
}

/** @throws UserFailure E_PORT_IN_USE */
export async function requirePort(port: number, owner: string): Promise<void> {
  if (!(await takePort(port, owner))) throw portTaken(port);
}

/** @throws UserFailure E_PORT_IN_USE where none of the usual ones is to be had */
export async function firstFreePort(from: number, owner: string, except = 0): Promise<number> {
  for (let port = from; port < from + 3000; port += 100) {
    if (port !== except && (await takePort(port, owner))) return port;
  }
  const remedy = 'name one: coracle up --port PORT';
  throw new UserFailure(exitCodes.conflict, 'E_PORT_IN_USE', `no free port at ${from}`, remedy);
}

export function portTaken(port: number): UserFailure {
  return new UserFailure(
    exitCodes.conflict,
    'E_PORT_IN_USE',
    `port ${port} is taken by another program`,
    `see which: ss -ltnp 'sport = :${port}'; or take another: coracle up --port ${port + 1000}`,
  );
}

/** For a cluster that is deleted. */
export function releasePorts(owner: string, ports: readonly number[]): void {
  for (const port of ports) if (readClaim(port)?.owner === owner) rmSync(fileOf(port), { force: true });
}

interface Claim {
  readonly pid: number;
  readonly started: string;
  readonly owner: string;
}

function claimPort(port: number, owner: string): 'new' | 'ours' | 'another' {
  const text = `${process.pid} ${startTimeOf(process.pid) ?? ''}\n${owner}`;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(fileOf(port), text, { flag: 'wx', mode: 0o644 });
      return 'new';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return 'ours'; // nowhere to say so: then without
      const claim = readClaim(port);
      if (claim?.owner === owner) return 'ours';
      if (claim && isHeld(claim, port)) return 'another';
      if (!remove(fileOf(port))) return 'another';
    }
  }
  return 'another';
}

/** Another user's file stays. */
function remove(file: string): boolean {
  try {
    rmSync(file, { force: true });
    return true;
  } catch {
    return false;
  }
}

function readClaim(port: number): Claim | undefined {
  try {
    const [process = '', owner = ''] = readFileSync(fileOf(port), 'utf8').split('\n');
    const [pid = '', started = ''] = process.split(' ');
    return { pid: Number(pid), started, owner };
  } catch {
    return undefined;
  }
}

/** By a process that is about to listen, or a cluster that will come back to it. */
function isHeld({ pid, started, owner }: Claim, port: number): boolean {
  if (startTimeOf(pid) === started) return true;
  try {
    return Object.values(JSON.parse(readFileSync(owner, 'utf8')) as object).includes(port);
  } catch {
    return false;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, () => probe.close(() => resolve(true)));
  });
}
