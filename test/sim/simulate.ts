// One seed, from a fresh cluster to a settled one.

import * as kinds from '../../generated/kinds.ts';
import { StatusError } from '../../src/api/meta/status-error.ts';
import { seededRandom } from '../../src/base/random.ts';
import { notConverged } from './converged.ts';
import { delayOf, goWrong, mend, weather } from './faults.ts';
import { type LostWrite, watchOver } from './invariants.ts';
import type { Change, Ledger, StoredObject } from './ledger.ts';
import { below, chance, namespaces } from './objects.ts';
import { stillTime } from './still-time.ts';
import { type Ask, actOnce } from './users.ts';
import { startMs, World } from './world.ts';

export interface Outcome {
  readonly seed: number;
  /** What did not hold; empty when all did. */
  readonly problems: string[];
  /** What was done, and when, a line each. */
  readonly steps: string[];
  /** What the store holds at the end, and how it came to. */
  readonly ledger: Ledger;
  /** In the simulation's time. */
  readonly tookMs: number;
}

export interface SimulateOptions {
  /** Told each step, as it happens. */
  readonly onStep?: (line: string) => void;
  /** Gets the components' log. */
  readonly log?: (line: string) => void;
}

/** Who watches in vain tries again after up to 30 s, twice that by chance; until then it acts on what it saw long ago. */
const longestBackoffMs = 65_000;

/** Longer than a queue ever holds back a key that failed. */
const convergeMs = 20 * 60_000;
const checkEveryMs = 5_000;
const quietMs = 2 * 60_000;
const maxRestWrites = 3;

export async function simulate(seed: number, options: SimulateOptions = {}): Promise<Outcome> {
  await stillTime();
  return new Simulation(seed, options).run();
}

class Simulation {
  readonly #seed: number;
  readonly #options: SimulateOptions;
  readonly #problems: string[] = [];
  readonly #steps: string[] = [];
  readonly #lost: LostWrite[] = [];
  #world!: World;

  constructor(seed: number, options: SimulateOptions) {
    this.#seed = seed;
    this.#options = options;
  }

  async run(): Promise<Outcome> {
    const random = seededRandom(this.#seed * 7919 + 1);
    const nodes = 2 + below(random, 3);
    this.#world = await World.start({
      seed: this.#seed,
      nodes,
      log: (line) => this.#read(line),
      onLostAnswer: (path, body) => this.#noteLost(path, body),
    });
    const world = this.#world;
    try {
      watchOver(world, this.#lost, (problem) => this.#fail(problem));
      await this.#trouble();
      if (this.#problems.length === 0) await this.#settle();
      if (this.#problems.length === 0) await this.#rest();
    } finally {
      await world.stop();
    }
    return {
      seed: this.#seed,
      problems: this.#problems,
      steps: this.#steps,
      ledger: world.ledger,
      tookMs: world.clock.monotonicMs() - startMs,
    };
  }

  async #trouble(): Promise<void> {
    const world = this.#world;
    const actions = seededRandom(this.#seed * 31 + 7);
    const faults = seededRandom(this.#seed * 101 + 3);
    for (const name of namespaces)
      await world.client.resource(kinds.namespaceKind).create({ metadata: { name } } as any);
    const faultRate = [0, 0.1, 0.25, 0.5][below(faults, 4)]!;
    if (chance(faults, 0.3)) for (const member of world.members) world.setWeather(member, weather(faults));
    const count = 30 + below(actions, 40);
    const ask: Ask = (work) => this.#finish(work);
    for (let step = 0; step < count && this.#problems.length === 0; step++) {
      if (chance(faults, faultRate)) this.#say(await goWrong({ world, random: faults, ask }));
      else this.#say(await actOnce({ world, random: actions, ask }));
      await world.clock.advance(delayOf(actions));
      this.#lookAtMachines();
    }
  }

  /** Nothing goes wrong any more, there is room, and what never ends is ended: all must come to be as declared. */
  async #settle(): Promise<void> {
    const world = this.#world;
    mend(world);
    world.revive(world.addNode('relief', { cpuCount: 64, maxPods: 110 }));
    this.#say('everything works again');
    await world.clock.advance(longestBackoffMs);
    await this.#tidy();
    let left: string[] = [];
    for (let waitedMs = 0; waitedMs < convergeMs && this.#problems.length === 0; waitedMs += checkEveryMs) {
      await world.clock.advance(checkEveryMs);
      await this.#removeStrays();
      left = [...world.missingNodes().map((name) => `node ${name} has not registered`), ...notConverged(world.ledger)];
      if (left.length === 0) return this.#say('settled');
    }
    this.#lookAtMachines();
    for (const each of left) this.#fail(`not settled: ${each}`);
  }

  async #tidy(): Promise<void> {
    const { client } = this.#world;
    const each = (resource: string, work: (object: StoredObject) => Promise<unknown>) => this.#each(resource, work);
    const patch = (kind: any, body: unknown) => (object: StoredObject) =>
      client.resource(kind).patch(key(object), body, { type: 'merge' });
    await each('nodes', (node) => {
      const taints = (node['spec'].taints ?? []).filter(
        ({ key: name }: any) => name.includes('kubernetes.io/') && !name.endsWith('/unschedulable'),
      );
      return patch(kinds.nodeKind, { spec: { unschedulable: null, taints } })(node);
    });
    await each('cronjobs', patch(kinds.cronJobKind, { spec: { suspend: true } }));
    await each('horizontalpodautoscalers', (object) =>
      client.resource(kinds.horizontalPodAutoscalerKind).delete(key(object)),
    );
    await each('resourcequotas', (object) =>
      chance(seededRandom(this.#seed), 0.5)
        ? client.resource(kinds.resourceQuotaKind).delete(key(object))
        : patch(kinds.resourceQuotaKind, {
            spec: { hard: { pods: '100', 'requests.cpu': '100', 'count/jobs.batch': '100' } },
          })(object),
    );
    await this.#removeStrays();
  }

  /** A pod without an owner stays as it is when its machine lost it, and for ever bars a StatefulSet from its name. */
  #removeStrays(): Promise<void> {
    const pods = this.#world.client.resource(kinds.podKind);
    const isStray = ({ metadata }: StoredObject) => !metadata.ownerReferences?.length && !metadata.deletionTimestamp;
    return this.#each('pods', (pod) => pods.delete(key(pod)), isStray);
  }

  async #each(
    resource: string,
    work: (object: StoredObject) => Promise<unknown>,
    isMeant: (object: StoredObject) => boolean = () => true,
  ): Promise<void> {
    for (const object of this.#world.ledger.list(resource).filter(isMeant)) {
      try {
        await this.#finish(work(object));
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
      }
    }
  }

  /** Settled means that nobody writes any more, but for heartbeats. */
  async #rest(): Promise<void> {
    const writes: string[] = [];
    const note = ({ resource, key, before, after }: Change) => {
      if (isHeartbeat(resource, before, after)) return;
      writes.push(`${resource}/${key}`);
    };
    this.#world.ledger.onChange(note);
    await this.#world.clock.advance(quietMs);
    // One more look, a deadline that passes: that is no loop.
    if (writes.length > maxRestWrites)
      this.#fail(`not at rest: ${writes.length} writes, of ${[...new Set(writes)].slice(0, 5).join(', ')}`);
  }

  /** Waits for work, moving time on when it needs some. */
  async #finish<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const ended = work.finally(() => {
      isDone = true;
    });
    ended.catch(() => {});
    await this.#world.clock.settle();
    for (let tries = 0; !isDone; tries++) {
      if (tries > 10_000) throw new Error('a request of a user never ends');
      await this.#world.clock.advance(10);
    }
    return ended;
  }

  #lookAtMachines(): void {
    for (const machine of this.#world.machines)
      for (const { pod, uids } of machine.doubles.splice(0))
        this.#fail(`two pods ${pod} ran at once: ${uids.join(' and ')}, the second on ${machine.name}`);
  }

  /** What a component did not expect is a bug of it, unless the weather said it. */
  #read(line: string): void {
    this.#options.log?.(line);
    if (!line.includes('"level":"error"')) return;
    if (!/(Type|Range|Reference|Syntax)Error|handler failed/.test(line)) return;
    this.#fail(`a component failed: ${line.slice(0, 1500).trim()}`);
  }

  #noteLost(path: string, body: Uint8Array | undefined): void {
    const owner = body ? ownerIn(body) : undefined;
    this.#lost.push({ atMs: this.#world.clock.monotonicMs(), owner });
    this.#say(`an answer is lost: ${path}`);
  }

  #say(what: string): void {
    const line = `${new Date(this.#world.clock.now()).toISOString().slice(11, 23)} ${what}`;
    this.#steps.push(line);
    this.#options.onStep?.(line);
  }

  #fail(problem: string): void {
    if (this.#problems.length >= 10) return;
    this.#problems.push(problem);
    this.#say(`FAILED ${problem}`);
  }
}

const key = ({ metadata }: StoredObject) => ({ namespace: metadata.namespace ?? '', name: metadata.name });

function ownerIn(body: Uint8Array): string | undefined {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8')).metadata?.ownerReferences?.find(
      (each: any) => each.controller,
    )?.uid;
  } catch {
    return undefined;
  }
}

/** Nodes report every five minutes that nothing is new. */
function isHeartbeat(resource: string, before: StoredObject | undefined, after: StoredObject | undefined): boolean {
  if (resource !== 'nodes' || !before || !after) return false;
  const still = (node: StoredObject) =>
    JSON.stringify({
      ...node.metadata,
      resourceVersion: '',
      managedFields: [],
      spec: node['spec'],
      conditions: node['status'].conditions?.map(({ lastHeartbeatTime: _, ...rest }: any) => rest),
    });
  return still(before) === still(after);
}
