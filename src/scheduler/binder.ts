// Binds pods to the nodes that were chosen for them: first what they need beside the node, then the pod.
import type { Binding, Pod } from '../../generated/core-v1.ts';
import { podKind } from '../../generated/kinds.ts';
import { splitKey } from '../api/meta/object.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import type { Lister } from '../reconcile/informer.ts';
import type { ClaimBindings } from './devices/claim-bindings.ts';
import type { Needs } from './devices/plan.ts';
import type { Extender } from './extenders/extender.ts';
import type { SchedulerMetrics } from './metrics.ts';
import type { NodeCache } from './node-cache.ts';
import type { Storage } from './plugin.ts';
import type { PodReporter } from './pod-reporter.ts';
import type { PodView } from './pod-view.ts';
import type { SchedulerProfile } from './profiles.ts';
import type { SchedulingQueue } from './queue.ts';
import type { VolumeBindings } from './volume-bindings.ts';

export interface BinderParts {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pods: Lister<Pod>;
  readonly cache: NodeCache;
  readonly queue: SchedulingQueue;
  readonly extenders: readonly Extender[];
  readonly reporter: PodReporter;
  readonly metrics: SchedulerMetrics;
  readonly volumeBindings: VolumeBindings;
  readonly claimBindings: ClaimBindings;
  readonly storage: Storage;
  profileOf(view: PodView): SchedulerProfile;
  /** Of a plugin that failed. */
  tell(view: PodView, error: unknown, signal: AbortSignal): Promise<void>;
}

/** How often the server is asked what became of a binding that was not answered. */
const bindingQuestions = 30;
const questionEveryMs = 1000;

export class Binder {
  readonly #parts: BinderParts;
  /** Pods whose volumes and devices are being bound: they may wait for long, so nobody waits for them but the end. */
  readonly #awaiting = new Set<Promise<void>>();

  constructor(parts: BinderParts) {
    this.#parts = parts;
  }

  /** How many pods wait for their volumes and devices. */
  get waiting(): number {
    return this.#awaiting.size;
  }

  async allDone(): Promise<void> {
    await Promise.all(this.#awaiting);
  }

  /** Binds once volumes and devices are there; nobody need wait for it. */
  bindAfter(needs: Needs, view: PodView, nodeName: string, signal: AbortSignal): void {
    const work = this.#bindWithNeeds(needs, view, nodeName, signal).finally(() => this.#awaiting.delete(work));
    this.#awaiting.add(work);
  }

  async #bindWithNeeds(
    { volumes, devices }: Needs,
    view: PodView,
    nodeName: string,
    signal: AbortSignal,
  ): Promise<void> {
    const isGone = () => this.#parts.pods.find(view.key)?.metadata.uid !== view.pod.metadata.uid;
    using promised = new DisposableStack();
    if (volumes) promised.use(this.#parts.volumeBindings.promise(volumes));
    if (devices) promised.use(this.#parts.claimBindings.promise(devices));
    const forClaims = { pod: view.pod, nodeName, isGone, signal };
    const takeBack = async () => {
      if (devices) await this.#parts.claimBindings.takeBack(devices, forClaims);
    };
    try {
      await this.#parts.reporter.expected(view, nodeName, signal).catch((problem) => {
        if (!signal.aborted)
          this.#parts.log.debug('expected node not told', { pod: view.key, problem: String(problem) });
      });
      const storage = this.#parts.storage;
      if (volumes) await this.#parts.volumeBindings.carryOut(volumes, { nodeName, storage, isGone, signal });
      if (devices) await this.#parts.claimBindings.carryOut(devices, forClaims);
    } catch (error) {
      if (signal.aborted) return;
      await this.#parts.tell(view, error, signal);
      await takeBack().catch((problem) => this.#parts.log.error('claims not given back', problem, { pod: view.key }));
      this.#bindingFailed(view, nodeName, error);
      return;
    }
    const isBound = await this.bind(view, nodeName, signal);
    if (!isBound && !signal.aborted) {
      await takeBack().catch((problem) => this.#parts.log.error('claims not given back', problem, { pod: view.key }));
    }
  }

  /** Whether it was bound. */
  async bind(view: PodView, nodeName: string, signal: AbortSignal): Promise<boolean> {
    const { client } = this.#parts;
    const { name, namespace, uid } = view.pod.metadata;
    const binding: Binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace: namespace!, uid: uid! },
      target: { kind: 'Node', name: nodeName },
    };
    try {
      const binder = this.#parts.extenders.find((each) => each.config.bindVerb && each.isInterestedIn(view));
      const profile = this.#parts.profileOf(view);
      const begunMs = this.#parts.clock.monotonicMs();
      if (binder) await binder.bind(view, nodeName, signal);
      else await client.resource(podKind).post(splitKey(view.key), 'binding', binding, { signal });
      const seconds = (this.#parts.clock.monotonicMs() - begunMs) / 1000;
      this.#parts.metrics.ranPoint('Bind', profile.name, 'Success', seconds);
      this.#parts.metrics.attempted(profile.name, 'scheduled', seconds);
      const history = this.#parts.queue.historyOf(view.key);
      if (history) this.#parts.metrics.bound(history.attempts, (this.#parts.clock.now() - history.queuedAtMs) / 1000);
      this.#parts.queue.done(view.key);
      this.#parts.reporter.scheduled(view, nodeName, profile);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      const isBound = await this.#wasBound(view, nodeName, signal);
      if (isBound) this.#parts.queue.done(view.key);
      else this.#bindingFailed(view, nodeName, error);
      return isBound;
    }
  }

  /** No answer is no refusal: a pod that may have been bound keeps its place until the server says that it was not. */
  async #wasBound({ key, pod }: PodView, nodeName: string, signal: AbortSignal): Promise<boolean> {
    const { client, clock } = this.#parts;
    for (let tries = 0; tries < bindingQuestions && !signal.aborted; tries++) {
      try {
        const now = await client.resource(podKind).find(splitKey(key), { signal });
        return now?.metadata.uid === pod.metadata.uid && now?.spec.nodeName === nodeName;
      } catch {
        await clock.sleep(questionEveryMs, signal); // the server does not answer this either
      }
    }
    return false;
  }

  #bindingFailed(view: PodView, nodeName: string, error: unknown): void {
    const seen = this.#parts.pods.find(view.key);
    const gone = seen?.spec.nodeName ? undefined : this.#parts.cache.remove(view.key);
    if (gone) this.#parts.queue.worldChanged({ type: 'pod-gone', ...gone });
    if (!seen || isNotFound(error) || seen.spec.nodeName) {
      this.#parts.queue.done(view.key);
      return;
    }
    this.#parts.metrics.attempted(this.#parts.profileOf(view).name, 'error', 0);
    this.#parts.log.error('binding failed', error, { pod: view.key, node: nodeName });
    this.#parts.queue.putBack(view.key, { isRetry: true });
  }
}
