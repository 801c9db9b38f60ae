// The control plane of a simulation: every part is the real one, each behind a link of its own, and each can die and come
// back without its memory.
import type { UserInfo } from '../../src/apiserver/authn/authenticator.ts';
import type { ApiServer } from '../../src/apiserver/server.ts';
import type { Component } from '../../src/base/component.ts';
import { createLogger, type Logger, silentLogger } from '../../src/base/log.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { clusterObjects, ensureBootstrap } from '../../src/cluster/bootstrap.ts';
import { scheduler as schedulerUser } from '../../src/cluster/control/control-settings.ts';
import { componentUser } from '../../src/cluster/threads/component-thread.ts';
import { createInformerFactory } from '../../src/reconcile/informer-factory.ts';
import { openMemoryStore } from '../../src/store/engines/memory.ts';
import type { Store, Write } from '../../src/store/store.ts';
import { directTransport } from '../../src/testing/direct-transport.ts';
import {
  clusterDomain,
  controllers,
  createTestingServer,
  type Parts,
  podCidr,
  scheduler,
  serviceCidr,
  simulatedNodes,
} from '../../src/testing/parts.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { Ledger, recorded } from './ledger.ts';
import { fairWeather, Link, type Weather } from './link.ts';
import { Machine } from './machine.ts';
import { SkewedClock } from './skewed-clock.ts';

export const startMs = Date.UTC(2030, 0, 1);
const admin: UserInfo = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };

export interface WorldOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly log?: ((line: string) => void) | undefined;
  readonly onLostAnswer: (path: string, body: Uint8Array | undefined) => void;
}

/** A component of which one life after another is lived. */
export interface Member {
  readonly name: string;
  readonly clock: SkewedClock;
  /** Undefined while it is dead. */
  link: Link | undefined;
  weather: Weather;
  isDown: boolean;
  stop: () => void;
}

export class World {
  readonly clock = new VirtualClock(startMs);
  readonly ledger = new Ledger(() => this.clock.now());
  readonly machines: Machine[] = [];
  readonly members: Member[] = [];
  readonly #options: WorldOptions;
  readonly #random: Random;
  readonly #log: Logger;
  readonly #store: Store;
  readonly #serverClock: SkewedClock;
  readonly #running = new Set<Promise<unknown>>();
  readonly #starters = new Map<string, (parts: Parts) => Component[]>();
  #server!: ApiServer;
  #stopServer: () => void = () => {};
  client!: Client;

  private constructor(options: WorldOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#log = options.log ? createLogger(options.log, 'debug') : silentLogger;
    this.#store = recorded(openMemoryStore(), this.ledger);
    this.#serverClock = new SkewedClock(this.clock);
  }

  static async start(options: WorldOptions): Promise<World> {
    const world = new World(options);
    await world.#store.commit(await bootstrapWrites());
    await world.#startServer();
    world.client = createClient(directTransport(world.#serverFace, admin, () => world.clock.noteActivity()));
    world.#addMember('controllers', (parts) => [controllers(parts)]);
    world.#addMember('scheduler', (parts) => {
      const informers = createInformerFactory({ ...parts, client: parts.clientFor(componentUser(schedulerUser)) });
      return [...scheduler(parts, informers), { name: 'informers', run: (signal) => informers.run(signal) }];
    });
    for (let index = 0; index < options.nodes; index++) world.addNode(`node-${index}`, { cpuCount: 4, maxPods: 16 });
    for (const member of world.members) world.revive(member);
    await world.clock.advance(3_000);
    return world;
  }

  get store(): Store {
    return this.#store;
  }

  get serverClock(): SkewedClock {
    return this.#serverClock;
  }

  member(name: string): Member {
    const found = this.members.find((member) => member.name === name);
    if (!found) throw new Error(`no member ${name}`);
    return found;
  }

  /** Of machines that run, those that the cluster does not know. */
  missingNodes(): string[] {
    const running = this.machines.filter(({ name }) => this.member(name).link);
    return running.map(({ name }) => `${name}-0`).filter((name) => !this.ledger.find('nodes', name));
  }

  /** A node that has not started yet: `revive` it. */
  addNode(name: string, size: { cpuCount: number; maxPods: number }): Member {
    const machine = new Machine(name, this.clock, () => this.machines);
    this.machines.push(machine);
    return this.#addMember(name, (parts) =>
      simulatedNodes({
        ...parts,
        count: 1,
        takesOthers: false,
        namePrefix: name,
        memoryBytes: 8 * 2 ** 30,
        ...size,
        labels: { zone: name.endsWith('1') || name.endsWith('3') ? 'b' : 'a' },
        runtime: (options) => machine.runtime(options),
      }),
    );
  }

  /** Without memory of what it did before. */
  revive(member: Member): void {
    if (member.link) return;
    const random = seededRandom(Math.floor(this.#random.next() * 2 ** 32));
    const link = new Link({
      name: member.name,
      clock: this.clock,
      random: seededRandom(Math.floor(this.#random.next() * 2 ** 32)),
      server: () => this.#server,
      onLostAnswer: ({ path, body }) => this.#options.onLostAnswer(path, body),
    });
    link.weather = member.weather;
    link.isDown = member.isDown;
    member.link = link;
    const stopping = new AbortController();
    member.stop = () => stopping.abort();
    const parts: Parts = {
      clock: member.clock,
      random,
      log: this.#log.with({ member: member.name }),
      clientFor: (user) => createClient(link.transport(user)),
    };
    for (const component of this.#starters.get(member.name)!(parts)) this.#run(component, stopping.signal);
  }

  kill(member: Member): void {
    member.link?.cut();
    member.link = undefined;
    member.stop();
    this.clock.noteActivity();
  }

  setWeather(member: Member, weather: Weather): void {
    member.weather = weather;
    if (member.link) member.link.weather = weather;
  }

  setDown(member: Member, isDown: boolean): void {
    member.isDown = isDown;
    if (!member.link) return;
    member.link.isDown = isDown;
    if (isDown) member.link.breakWatches();
  }

  async restartServer(): Promise<void> {
    this.#stopServer();
    for (const { link } of this.members) link?.breakWatches();
    await this.#startServer();
  }

  async stop(): Promise<void> {
    for (const member of this.members) {
      this.setWeather(member, fairWeather);
      this.kill(member);
    }
    this.#stopServer();
    const ended = Promise.allSettled(this.#running).then(() => true);
    for (let tries = 0; tries < 100; tries++)
      if (await Promise.race([ended, this.clock.advance(10_000).then(() => false)])) return;
    throw new Error('a component does not stop');
  }

  #addMember(name: string, start: (parts: Parts) => Component[]): Member {
    const clock = new SkewedClock(this.clock);
    const member: Member = { name, clock, link: undefined, weather: fairWeather, isDown: false, stop: () => {} };
    this.members.push(member);
    this.#starters.set(name, start);
    return member;
  }

  get #serverFace(): Pick<ApiServer, 'handleInProcess'> {
    return { handleInProcess: (user, request) => this.#server.handleInProcess(user, request) };
  }

  async #startServer(): Promise<void> {
    const stopping = new AbortController();
    const random = seededRandom(Math.floor(this.#random.next() * 2 ** 32));
    const server = createTestingServer({ store: this.#store, clock: this.#serverClock, random, log: this.#log });
    this.#stopServer = () => stopping.abort();
    this.#run(server, stopping.signal);
    await server.ready;
    this.#server = server;
  }

  #run(component: Component, signal: AbortSignal): void {
    const running = component.run(signal);
    this.#running.add(running);
    void running.then(
      () => this.#running.delete(running),
      () => this.#running.delete(running),
    );
  }
}

let bootstrap: Promise<Write[]> | undefined;

/** What a cluster begins with, the same for all seeds: made once in a process. */
function bootstrapWrites(): Promise<Write[]> {
  bootstrap ??= makeBootstrap();
  return bootstrap;
}

async function makeBootstrap(): Promise<Write[]> {
  const clock = new VirtualClock(startMs);
  const store = openMemoryStore();
  const server = createTestingServer({ store, clock, random: seededRandom(0), log: silentLogger });
  const stopping = new AbortController();
  const running = server.run(stopping.signal);
  await server.ready;
  const client = createClient(directTransport(server, admin, () => clock.noteActivity()));
  const where = { address: '127.0.0.1', apiPort: 6443, agentPort: 10250, nodeName: 'sim', kubeconfigFile: '' };
  const settings = { name: 'sim', simulatedNodes: 1, podCidr, serviceCidr, clusterDomain, ...where };
  await ensureBootstrap(client, server, clusterObjects(settings, startMs));
  await clock.settle();
  const { items } = await store.range({ prefix: '/registry/' });
  stopping.abort();
  const ended = running.then(() => true);
  while (!(await Promise.race([ended, clock.advance(1_000).then(() => false)])));
  return items.map(({ key, value }) => ({ key, value }));
}
