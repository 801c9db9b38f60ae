import {
  apiServiceKind,
  customResourceDefinitionKind,
  daemonSetKind,
  deploymentKind,
  endpointSliceKind,
  endpointsKind,
  jobKind,
  namespaceKind,
  nodeKind,
  podKind,
  replicaSetKind,
  replicationControllerKind,
  serviceAccountKind,
  serviceKind,
} from '../../generated/kinds.ts';
import type { ControllerContext, ControllerDefinition, KeyQueue } from '../reconcile/controller.ts';
import { Collector } from './garbage-collector/collector.ts';
import { Graph } from './garbage-collector/graph.ts';
import { Monitors } from './garbage-collector/monitors.ts';
import { type DiscoveredResource, discover } from './shared/discover.ts';

/** Cached by other controllers anyway. */
const sharedKinds = [
  podKind,
  replicaSetKind,
  deploymentKind,
  replicationControllerKind,
  daemonSetKind,
  jobKind,
  serviceKind,
  endpointsKind,
  endpointSliceKind,
  serviceAccountKind,
  namespaceKind,
  nodeKind,
];
const rediscoverEveryMs = 10 * 60 * 1000;
const settleMs = 500;
const maxSyncMs = 30_000;
const unknownKindRetryMs = 30_000;

/** Deletes what nobody owns any longer, and carries out foreground and orphaning deletion. */
export const garbageCollector: ControllerDefinition = {
  name: 'garbage-collector',
  setup(context, queue) {
    return new GarbageCollector(context, queue);
  },
};

class GarbageCollector {
  readonly name = 'garbage-collector';
  readonly workers = 20;
  readonly #context: ControllerContext;
  readonly #queue: KeyQueue;
  readonly #monitors: Monitors;
  readonly #collector: Collector;
  readonly #ready = Promise.withResolvers<void>();
  #served = new Map<string, DiscoveredResource>();
  /** In which versions: an owner's version must be one of them. */
  #kinds: ReadonlySet<string> = new Set();
  #wake: (() => void) | undefined;

  constructor(context: ControllerContext, queue: KeyQueue) {
    this.#context = context;
    this.#queue = queue;
    const events = context.recorder('garbage-collector-controller');
    const graph = new Graph(
      (uid, delayMs) => queue.addAfter(uid, delayMs),
      (dependent, message) => events.event(dependent, 'Warning', 'OwnerRefInvalidNamespace', message),
    );
    this.#monitors = new Monitors(context, graph, sharedKinds);
    this.#collector = new Collector({
      client: context.client,
      graph,
      resourceOf: (apiVersion, kind) =>
        this.#kinds.has(`${apiVersion}/${kind}`) ? this.#served.get(`${groupOf(apiVersion)}/${kind}`) : undefined,
    });
    const rediscover = () => this.#wake?.();
    for (const kind of [customResourceDefinitionKind, apiServiceKind]) {
      const onChange = { added: rediscover, updated: rediscover, deleted: rediscover };
      context.informers.informer<any>({ ...kind, metadataOnly: true }).onChange(onChange);
    }
  }

  async reconcile(uid: string, signal: AbortSignal): Promise<void> {
    await this.#ready.promise;
    if (signal.aborted) return;
    if (!(await this.#collector.judge(uid))) this.#queue.addAfter(uid, unknownKindRetryMs);
  }

  /** Keeps the monitors those of the kinds that are served. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#context;
    signal.addEventListener('abort', () => this.#stop(), { once: true });
    while (!signal.aborted) {
      try {
        await this.#discover(signal);
      } catch (error) {
        if (!signal.aborted) log.warn('discovery failed', { problem: String(error) });
        await clock.sleep(settleMs * 4, signal);
        continue;
      }
      await this.#untilChanged(signal);
      // Definitions come in groups, and take a moment to be served.
      await clock.sleep(settleMs, signal);
    }
    await this.#monitors.stopped();
  }

  async #discover(signal: AbortSignal): Promise<void> {
    const { resources, kinds } = await discover(this.#context.client, signal);
    this.#kinds = kinds;
    this.#served = new Map(resources.map((resource) => [`${resource.group}/${resource.kind}`, resource]));
    this.#monitors.update(resources, signal);
    // A kind whose server is away must not stop the rest: missing owners are asked for before anything is deleted.
    await Promise.race([this.#monitors.synced(), this.#context.clock.sleep(maxSyncMs, signal)]);
    this.#ready.resolve();
  }

  #untilChanged(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#context.clock.timer(rediscoverEveryMs, () => this.#wake?.());
      this.#wake = () => {
        timer[Symbol.dispose]();
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #stop(): void {
    this.#ready.resolve();
    this.#wake?.();
  }
}

const groupOf = (apiVersion: string) => (apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '');
