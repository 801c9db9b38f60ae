// Vertical autoscaling while its definitions exist: one look a minute, none while there is no autoscaler.
import type { Pod } from '../../../generated/core-v1.ts';
import { podKind } from '../../../generated/kinds.ts';
import {
  verticalPodAutoscalerCheckpointKind,
  verticalPodAutoscalerKind,
} from '../../api/vertical-pod-autoscaler/types.ts';
import type { ControllerContext } from '../../reconcile/controller.ts';
import type { InformerFactory } from '../../reconcile/informer.ts';
import { createInformerFactory } from '../../reconcile/informer-factory.ts';
import { Recommender } from './recommender.ts';
import { type Targeted, Targets } from './targets.ts';
import { Updater } from './updater.ts';

const periodMs = 60_000;
/** A new autoscaler is not kept waiting for its first recommendation. */
const firstLookMs = 1_000;

export interface EngineOptions extends Omit<ControllerContext, 'informers'> {
  /** Of what the other controllers watch as well. */
  readonly informers: InformerFactory;
  /** Whether somebody else does it all: looked at before each look. */
  readonly isForeign: () => boolean;
}

/** Settles when the signal has aborted. */
export async function runVerticalAutoscaling(options: EngineOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, random, log, informers, recorder, isForeign } = options;
  // Informers of their own: they end with the definitions.
  const own = createInformerFactory({ client, clock, random, log });
  const autoscalers = own.informer(verticalPodAutoscalerKind);
  const checkpoints = own.informer(verticalPodAutoscalerCheckpointKind);
  const pods = informers.informer(podKind);
  const targets = new Targets(client, informers);
  const recommender = new Recommender({ client, clock, log, pods, checkpoints });
  const updater = new Updater({ client, clock, log, informers, recorder: recorder('vpa-updater') });
  const alarm = new Alarm();
  autoscalers.onChange({
    added: () => alarm.ring(),
    updated: (next, previous) => {
      if (next.metadata.generation !== previous.metadata.generation) alarm.ring();
    },
  });
  const running = own.run(signal);
  await Promise.all([own.waitForSync(signal), informers.waitForSync(signal)]);
  let lastMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    if (autoscalers.list().length === 0) await alarm.wait(signal);
    else {
      using _timer = clock.timer(Math.max(0, lastMs + periodMs - clock.monotonicMs()), () => alarm.ring());
      await alarm.wait(signal);
    }
    await clock.sleep(firstLookMs, signal);
    if (signal.aborted) break;
    lastMs = clock.monotonicMs();
    if (isForeign()) continue;
    const targeted = await Promise.all(autoscalers.list().map((vpa) => targets.find(vpa)));
    const podsOf = sort(pods.list(), targeted, targets);
    await recommender.look(targeted, podsOf);
    await updater.look(podsOf).catch((error) => log.warn('pods were not updated', { problem: String(error) }));
  }
  await running;
}

function sort(pods: readonly Pod[], targeted: readonly Targeted[], targets: Targets): Map<Targeted, Pod[]> {
  const found = new Map<Targeted, Pod[]>();
  const namespaces = new Set(targeted.map(({ vpa }) => vpa.metadata.namespace));
  for (const pod of pods) {
    if (!namespaces.has(pod.metadata.namespace)) continue;
    const controlling = targets.controlling(pod, targeted);
    if (!controlling) continue;
    const known = found.get(controlling);
    if (known) known.push(pod);
    else found.set(controlling, [pod]);
  }
  return found;
}

/** Somebody rings, somebody waits: a ring before the wait is not lost. */
class Alarm {
  #wake: (() => void) | undefined;
  #hasRung = false;

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  async wait(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.ring();
    signal.addEventListener('abort', onAbort, { once: true });
    if (!this.#hasRung && !signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
    signal.removeEventListener('abort', onAbort);
    this.#wake = undefined;
    this.#hasRung = false;
  }
}
