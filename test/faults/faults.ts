// What is done to a node while its pods come and go.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/base/random.ts';
import type { FaultyNode } from './node.ts';

export interface FaultContext {
  readonly node: FaultyNode;
  readonly random: Random;
  /** Longer or shorter than usual. */
  readonly scale: number;
  readonly say: (text: string) => void;
}

export interface Fault {
  readonly name: string;
  /** A disk of so many megabytes for all that the cluster keeps. */
  readonly diskMegabytes?: number;
  /** The wall clock of all our processes is one that can be set. */
  readonly ownClock?: boolean;
  inflict(context: FaultContext): Promise<void>;
}

const between = (random: Random, from: number, to: number) => Math.round(from + random.next() * (to - from));

/** A signal to a part, and another one of it afterwards. */
async function kill({ node, say }: FaultContext, part: string): Promise<void> {
  const pid = await node.pidOf(part);
  if (pid === undefined) throw new Error(`${part} does not run`);
  process.kill(pid, 'SIGKILL');
  say(`${part} killed`);
  await node.until(`${part} runs again`, async () => {
    const now = await node.pidOf(part);
    return now !== undefined && now !== pid ? '' : 'not yet';
  });
}

const agentKilled: Fault = {
  name: 'agent-killed',
  async inflict(context) {
    for (let round = 0; round < Math.max(1, 10 * context.scale); round++) {
      await sleep(between(context.random, 100, 4_000));
      await kill(context, 'node');
    }
  },
};

const containerdKilled: Fault = {
  name: 'containerd-killed',
  async inflict(context) {
    for (let round = 0; round < Math.max(1, 6 * context.scale); round++) {
      await sleep(between(context.random, 500, 6_000));
      await kill(context, 'containerd');
    }
  },
};

const containerdHung: Fault = {
  name: 'containerd-hung',
  async inflict({ node, random, scale, say }) {
    for (let round = 0; round < Math.max(1, 3 * scale); round++) {
      await sleep(between(random, 500, 4_000));
      const pid = await node.pidOf('containerd');
      if (pid === undefined) throw new Error('containerd does not run');
      const seconds = between(random, 5, 20);
      process.kill(pid, 'SIGSTOP');
      say(`containerd stands still for ${seconds} s`);
      await sleep(seconds * 1000);
      process.kill(pid, 'SIGCONT');
    }
  },
};

/** The API server and what runs with it, killed; pods must not notice. */
const apiAway: Fault = {
  name: 'api-away',
  async inflict({ node, scale, say }) {
    const before = await containersOf(node);
    const pid = await node.pidOf('apiserver');
    if (pid === undefined) throw new Error('the API server does not run');
    process.kill(pid, 'SIGKILL');
    const seconds = Math.max(20, 600 * scale);
    say(`no API for ${seconds} s`);
    await sleep(seconds * 1000);
    const gone = (await missing(node, before)).length;
    // What was about to end when the API went may have ended.
    if (gone > before.size / 2) throw new Error(`${gone} of ${before.size} containers ended without the API`);
    await node.cluster.up();
  },
};

async function containersOf(node: FaultyNode): Promise<Set<string>> {
  const containers = await node.runtime.listContainers();
  return new Set(containers.filter(({ state }) => state === 'CONTAINER_RUNNING').map(({ id }) => id));
}

async function missing(node: FaultyNode, before: ReadonlySet<string>): Promise<string[]> {
  const now = await containersOf(node);
  return [...before].filter((id) => !now.has(id));
}

const diskFull: Fault = {
  name: 'disk-full',
  diskMegabytes: 1024,
  async inflict({ node, scale, say }) {
    const ballast = join(node.cluster.dataDir, 'ballast');
    const { bavail, bsize } = statfsSync(node.cluster.dataDir);
    spawnSync('fallocate', ['-l', String(Math.max(0, bavail * bsize - 4096)), ballast]);
    spawnSync('dd', ['if=/dev/zero', `of=${ballast}.rest`, 'bs=64k'], { stdio: 'ignore' });
    say('the disk is full');
    await sleep(Math.max(15, 60 * scale) * 1000);
    rmSync(ballast, { force: true });
    rmSync(`${ballast}.rest`, { force: true });
    say('the disk has room again');
    if ((await node.pidOf('apiserver')) === undefined) await node.cluster.up();
  },
};

/** Somebody sets the clock: a day ahead, a day back, right again. Pods that run must not notice. */
const clockJump: Fault = {
  name: 'clock-jump',
  ownClock: true,
  async inflict({ node, random, scale, say }) {
    const dayMs = 24 * 3600 * 1000;
    for (const [hours, words] of [
      [24, 'a day ahead'],
      [-24, 'a day back'],
      [0, 'right again'],
    ] as const) {
      node.setClock((hours * dayMs) / 24);
      say(`the clock is ${words}`);
      await sleep(between(random, 100_000, 150_000) * scale);
      // One that is being deleted may well end in failure.
      const staying = (await node.pods()).filter(({ metadata }) => !metadata.deletionTimestamp);
      const restarted = staying.find(({ status }) =>
        [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].some(
          ({ restartCount }) => restartCount > 0,
        ),
      );
      const lost = staying.find(({ status }) => status?.phase === 'Failed');
      if (restarted) throw new Error(`${restarted.metadata.name} was started again`);
      if (lost) throw new Error(`${lost.metadata.name} has failed: ${lost.status?.reason} ${lost.status?.message}`);
    }
  },
};

export const faults: readonly Fault[] = [agentKilled, containerdKilled, containerdHung, apiAway, diskFull, clockJump];

/** A folder with a file system of its own. */
export class SmallDisk implements Disposable {
  readonly folder: string;

  constructor(megabytes: number) {
    this.folder = mkdtempSync(join(tmpdir(), 'coracle-disk-'));
    const image = `${this.folder}.img`;
    writeFileSync(image, '');
    this.#run('truncate', '-s', `${megabytes}M`, image);
    this.#run('mkfs.ext4', '-q', '-F', image);
    this.#run('mount', '-o', 'loop', image, this.folder);
    mkdirSync(join(this.folder, 'd'));
  }

  #run(program: string, ...args: readonly string[]): void {
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  }

  [Symbol.dispose](): void {
    this.#run('umount', '-l', this.folder);
    rmSync(this.folder, { recursive: true, force: true });
    rmSync(`${this.folder}.img`, { force: true });
  }
}
