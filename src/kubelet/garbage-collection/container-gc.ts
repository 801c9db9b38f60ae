// Dead containers and sandboxes that nobody will ask about any more.
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { RuntimeTracker } from '../pods/runtime-tracker.ts';
import type { ContainerRuntime } from '../runtime/runtime.ts';

export interface ContainerGcOptions {
  readonly runtime: Pick<ContainerRuntime, 'removeContainer' | 'removeSandbox'>;
  readonly tracker: RuntimeTracker;
  /** Nothing of this pod runs any more, nor will: its status says all there was. */
  readonly hasEnded: (podUid: string) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Dead ones kept of each container of a pod that runs: for `logs --previous` and its last state. */
const keptOfEach = 1;

export class ContainerGc {
  readonly #options: ContainerGcOptions;

  constructor(options: ContainerGcOptions) {
    this.#options = options;
  }

  /**
   * Looks through all pods once.
   *
   * @param ofEnded those of pods that have ended as well: their logs stay in the API's reach only while this is false
   * @throws when something could not be removed; all else is
   */
  async collect({ ofEnded = false } = {}): Promise<void> {
    const { tracker } = this.#options;
    const problems: unknown[] = [];
    for (const uid of tracker.podUids()) await this.#collectPod(uid, ofEnded).catch((error) => problems.push(error));
    if (problems.length > 0) throw new AggregateError(problems, String(problems[0]));
  }

  async #collectPod(uid: string, ofEnded: boolean): Promise<void> {
    const { runtime, tracker, hasEnded, log } = this.#options;
    const { containers, sandboxes } = tracker.stateOf(uid);
    const takesAll = ofEnded && hasEnded(uid);
    const seen = new Map<string, number>();
    for (const { id, name, state } of containers) {
      if (state !== 'CONTAINER_EXITED') continue;
      const before = seen.get(name) ?? 0;
      seen.set(name, before + 1);
      if (before < keptOfEach && !takesAll) continue;
      log.debug('a dead container is removed', { pod: uid, container: name });
      await runtime.removeContainer(id);
      tracker.forgetContainer(id);
    }
    // The newest is the pod's, whatever its state; of older ones those without containers.
    const inUse = new Set(tracker.stateOf(uid).containers.map(({ sandboxId }) => sandboxId));
    for (const [index, { id, state }] of sandboxes.entries()) {
      if (state === 'SANDBOX_READY' || inUse.has(id) || (index === 0 && !takesAll)) continue;
      await runtime.removeSandbox(id);
      tracker.forgetSandbox(id);
    }
  }
}
