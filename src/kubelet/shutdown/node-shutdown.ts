// The machine goes down: pods end in order of their priority, each group with its time, before the machine does.
import type { Node, Pod } from '../../../generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { ShutdownGracePeriod } from '../config/types.ts';
import type { NodeEvents } from '../events.ts';
import type { Rejection } from '../pods/admission.ts';
import type { PodEnding } from '../pods/pod-ending.ts';

export interface NodeShutdownOptions {
  /** From low priority to high; empty: pods are not waited for. */
  readonly periods: readonly ShutdownGracePeriod[];
  /** Pods that have not ended. */
  readonly pods: () => readonly Pod[];
  /** Ends a pod; settles when nothing of it runs. */
  readonly end: (pod: Pod, ending: PodEnding) => Promise<void>;
  readonly node: Pick<Node, 'metadata'>;
  readonly events: NodeEvents;
  readonly clock: Clock;
  readonly log: Logger;
  /** The node's status is another. */
  readonly onChange: () => void;
}

const message = 'Pod was terminated in response to imminent node shutdown.';

export interface PodGroup extends ShutdownGracePeriod {
  readonly pods: readonly Pod[];
}

export class NodeShutdown {
  readonly #options: NodeShutdownOptions;
  #isUnderWay = false;

  constructor(options: NodeShutdownOptions) {
    this.#options = options;
  }

  get isConfigured(): boolean {
    return this.#options.periods.length > 0;
  }

  /** Seconds that all of it may take. */
  get seconds(): number {
    return this.#options.periods.reduce((sum, { seconds }) => sum + seconds, 0);
  }

  /** What keeps the node from being ready. */
  get problems(): readonly string[] {
    return this.#isUnderWay ? ['node is shutting down'] : [];
  }

  get rejection(): Rejection | undefined {
    if (!this.#isUnderWay) return undefined;
    return { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' };
  }

  /** Settles when all pods have ended, or their time is over. */
  async begin(): Promise<void> {
    const { periods, pods, events, node, log, onChange } = this.#options;
    if (this.#isUnderWay || periods.length === 0) return;
    this.#isUnderWay = true;
    log.warn('the machine is going down: pods are ended', { seconds: this.seconds });
    events.node(node, 'Normal', 'Shutdown', 'Shutdown manager detected shutdown event');
    onChange();
    for (const group of groupByPriority(periods, pods())) if (group.pods.length > 0) await this.#endGroup(group);
  }

  /** The machine stays after all; pods that have ended do not come again by themselves. */
  cancel(): void {
    const { events, node, onChange } = this.#options;
    if (!this.#isUnderWay) return;
    this.#isUnderWay = false;
    events.node(node, 'Normal', 'Shutdown', 'Shutdown manager detected shutdown cancellation');
    onChange();
  }

  async #endGroup({ pods, seconds, priority }: PodGroup): Promise<void> {
    const { end, clock, log } = this.#options;
    const limit = Promise.withResolvers<void>();
    using _timer = clock.timer(seconds * 1000, () => {
      log.warn('pods did not end in their time', { priority, seconds });
      limit.resolve();
    });
    const ended = pods.map((pod) => {
      const graceSeconds = Math.min(seconds, pod.spec.terminationGracePeriodSeconds ?? seconds);
      return end(pod, { reason: 'Terminated', message, disruption: message, graceSeconds });
    });
    await Promise.race([Promise.allSettled(ended), limit.promise]);
  }
}

/** A pod belongs to the highest priority that is not above its own; those below all of them to the lowest. */
export function groupByPriority(periods: readonly ShutdownGracePeriod[], pods: readonly Pod[]): PodGroup[] {
  const groups = periods.map((period) => ({ ...period, pods: [] as Pod[] }));
  for (const pod of pods) {
    const priority = pod.spec.priority ?? 0;
    const group = groups.findLast((each) => each.priority <= priority) ?? groups[0];
    group?.pods.push(pod);
  }
  return groups;
}
