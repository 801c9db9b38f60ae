// Keeps the node alive: looks at what it has left, gives back what nobody uses, and ends pods where that is not enough.
import type { Node, Pod } from '../../../generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { KubeletConfiguration } from '../config/types.ts';
import type { NodeEvents } from '../events.ts';
import { isCriticalPod, type PodEnding } from '../pods/pod-ending.ts';
import { hasStorageLimits, storageExcess } from './local-storage.ts';
import { evictionAnnotations, evictionMessage } from './messages.ts';
import { hasOwnImageDisk, type NodePlaces, observeNode } from './observe-node.ts';
import { type PodUsage, podUsages, type UsageReader } from './pod-usage.ts';
import { type Observations, PressureState } from './pressure-state.ts';
import { rankPods } from './rank.ts';
import { isHard, type Pressure, parseThresholds, resourceOf, type Signal, type Threshold } from './thresholds.ts';

export interface EvictionOptions {
  readonly config: KubeletConfiguration;
  readonly places: NodePlaces;
  readonly usage: UsageReader;
  /** Pods that have not ended. */
  readonly pods: () => readonly Pod[];
  /** Ends a pod; settles when nothing of it runs. */
  readonly end: (pod: Pod, ending: PodEnding) => Promise<void>;
  /** Gives back what nobody uses. */
  readonly reclaim: {
    readonly deadContainers: () => Promise<void>;
    readonly unusedImages: () => Promise<void>;
  };
  readonly node: Pick<Node, 'metadata'>;
  readonly events: NodeEvents;
  readonly clock: Clock;
  readonly log: Logger;
  /** The node is under other pressures than before. */
  readonly onChange: () => void;
}

const lookMs = 10_000;
/** How long a look waits for the pods it ended. */
const cleanupMs = 30_000;

export class EvictionManager {
  readonly #options: EvictionOptions;
  readonly #thresholds: readonly Threshold[];
  readonly #state: PressureState;
  #pressures: ReadonlySet<Pressure> = new Set();
  #hasOwnImageDisk: boolean | undefined;

  constructor(options: EvictionOptions) {
    const { config } = options;
    this.#options = options;
    this.#thresholds = parseThresholds(config);
    this.#state = new PressureState(this.#thresholds, config.evictionPressureTransitionMs);
  }

  get pressures(): ReadonlySet<Pressure> {
    return this.#pressures;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, config } = this.#options;
    if (this.#thresholds.length === 0 && !config.localStorageCapacityIsolation) return;
    while (!signal.aborted) {
      let evicted = 0;
      try {
        evicted = await this.look();
      } catch (error) {
        if (!signal.aborted) log.warn('the node was not looked after', { error: String(error) });
      }
      // Where one had to go the next may have to follow at once.
      if (evicted === 0) await clock.sleep(lookMs, signal);
    }
  }

  /** Looks once. @returns how many pods were ended */
  async look(): Promise<number> {
    const { places, clock, onChange, pods } = this.#options;
    this.#hasOwnImageDisk ??= await hasOwnImageDisk(places);
    const observations = await observeNode(places);
    const { pressures, due } = this.#state.observe(observations, clock.monotonicMs());
    const isNews = pressures.symmetricDifference(this.#pressures).size > 0;
    this.#pressures = pressures;
    if (isNews) onChange();
    const active = pods();
    const greedy = await this.#enforceStorageLimits(active);
    if (greedy > 0 || due.length === 0) return greedy;
    return this.#relieve(due, observations, active);
  }

  async #enforceStorageLimits(active: readonly Pod[]): Promise<number> {
    const { config, usage } = this.#options;
    const limited = config.localStorageCapacityIsolation ? active.filter(hasStorageLimits) : [];
    if (limited.length === 0) return 0;
    const usages = await podUsages(usage, limited, { withFiles: true });
    const endings = limited.flatMap((pod) => {
      const used = usages.get(pod.metadata.uid!);
      const message = used && storageExcess(pod, used, this.#hasOwnImageDisk!);
      return message === undefined ? [] : [{ pod, message }];
    });
    const ended = await Promise.all(endings.map(({ pod, message }) => this.#evict(pod, { message, graceSeconds: 1 })));
    return ended.filter(Boolean).length;
  }

  async #relieve(due: readonly Threshold[], observations: Observations, active: readonly Pod[]): Promise<number> {
    const { node, events, log, usage } = this.#options;
    const first = due[0]!;
    const resource = resourceOf(first.signal);
    log.warn('the node is short of something', { signal: first.signal });
    events.node(node, 'Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`);
    if (await this.#reclaim(first.signal)) return 0;
    if (active.length === 0) return 0;
    const usages = await podUsages(usage, active, {
      withFiles: resource === 'ephemeral-storage' || resource === 'inodes',
      withInodes: resource === 'inodes',
      withProcesses: resource === 'pids',
    });
    const usageOf = (pod: Pod): PodUsage | undefined => usages.get(pod.metadata.uid!);
    const reason = { resource, thresholds: due, observations };
    for (const pod of rankPods(active, first.signal, usageOf, this.#hasOwnImageDisk)) {
      const message = evictionMessage(pod, usageOf(pod), reason);
      const annotations = evictionAnnotations(pod, usageOf(pod), reason);
      const graceSeconds = this.#graceSeconds(pod, first);
      if (await this.#evict(pod, { message, graceSeconds, disruption: message }, annotations)) return 1;
    }
    log.warn('no pod may be ended to give the node what it lacks', { resource });
    return 0;
  }

  /** True when that was enough. */
  async #reclaim(signal: Signal): Promise<boolean> {
    const { reclaim, places, log } = this.#options;
    const steps = this.#stepsFor(signal, reclaim);
    if (steps.length === 0) return false;
    for (const step of steps)
      await step().catch((error) => log.warn('not everything unused was given back', { error: String(error) }));
    return this.#state.isRelieved(await observeNode(places));
  }

  #stepsFor(signal: Signal, { deadContainers, unusedImages }: EvictionOptions['reclaim']) {
    const isOfDisk = /^(nodefs|imagefs|containerfs)\./.test(signal);
    // Logs and volumes alone are on a disk that images do not share.
    if (!isOfDisk || (this.#hasOwnImageDisk && signal.startsWith('nodefs.'))) return [];
    return [deadContainers, unusedImages];
  }

  #graceSeconds({ spec }: Pod, threshold: Threshold): number {
    if (isHard(threshold)) return 1;
    const most = this.#options.config.evictionMaxPodGraceSeconds;
    return Math.min(most, spec.terminationGracePeriodSeconds ?? most);
  }

  async #evict(
    pod: Pod,
    ending: Omit<PodEnding, 'reason'>,
    annotations?: Readonly<Record<string, string>>,
  ): Promise<boolean> {
    const { events, end, clock, log } = this.#options;
    if (isCriticalPod(pod)) return false;
    events.pod(pod, 'Warning', 'Evicted', ending.message, annotations);
    log.warn('a pod is evicted', { pod: `${pod.metadata.namespace}/${pod.metadata.name}`, why: ending.message });
    const limit = Promise.withResolvers<void>();
    using _timer = clock.timer(cleanupMs, () => limit.resolve());
    await Promise.race([end(pod, { ...ending, reason: 'Evicted' }), limit.promise]);
    return true;
  }
}
