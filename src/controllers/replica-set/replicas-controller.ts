// Keeps as many pods as were asked for: the engine of ReplicaSets and ReplicationControllers.
import type { ReplicaSetStatus } from '../../../generated/apps-v1.ts';
import type { Pod, PodTemplateSpec } from '../../../generated/core-v1.ts';
import { podKind } from '../../../generated/kinds.ts';
import { isEqual } from '../../api/meta/equality.ts';
import type { Selector } from '../../api/meta/labels.ts';
import { type KindRef, type KubernetesObject, keyOf, splitKey } from '../../api/meta/object.ts';
import { controllerOf, controllerReference, isControlledBy } from '../../api/meta/owner-references.ts';
import { isConflict } from '../../api/meta/status-error.ts';
import type { ControllerContext, ControllerDefinition, EventRecorder, KeyQueue } from '../../reconcile/controller.ts';
import { claim } from '../../reconcile/controller-refs.ts';
import { Expectations } from '../../reconcile/expectations.ts';
import type { Informer } from '../../reconcile/informer.ts';
import { isNamespaceEnding } from '../../reconcile/namespace-ending.ts';
import { candidatesFor, controlledBy, indexByController } from '../shared/indexes.ts';
import { createPod, deletePod, podFromTemplate } from '../shared/pod-control.ts';
import { pickVictims } from '../shared/pod-ranking.ts';
import { isActive, isTerminating } from '../shared/pod-state.ts';
import { slowStart } from '../shared/slow-start.ts';
import { watchOwnedPods } from '../shared/watch-owned-pods.ts';
import { planReplicaSetStatus } from './plan-status.ts';

/** What both kinds look like, seen from here. */
export interface ReplicasOwner extends KubernetesObject {
  spec?: { replicas?: number; minReadySeconds?: number; template?: PodTemplateSpec };
  status?: ReplicaSetStatus;
}

export interface ReplicasKind<O extends ReplicasOwner> {
  readonly controllerName: string;
  /** The source of its events. */
  readonly component: string;
  readonly kind: KindRef<O>;
  readonly selectorOf: (owner: O) => Selector | undefined;
  readonly reportsTerminating: boolean;
}

/** Pods made or deleted in one look. */
const burst = 500;

export function replicasController<O extends ReplicasOwner>(settings: ReplicasKind<O>): ControllerDefinition {
  return {
    name: settings.controllerName,
    setup(context, queue) {
      const engine = new ReplicasEngine(settings, context, queue);
      return { name: settings.controllerName, reconcile: (key, signal) => engine.reconcile(key, signal) };
    },
  };
}

interface Outcome {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly error: unknown;
}

class ReplicasEngine<O extends ReplicasOwner> {
  readonly #settings: ReplicasKind<O>;
  readonly #context: ControllerContext;
  readonly #queue: KeyQueue;
  readonly #owners: Informer<O>;
  readonly #pods: Informer<Pod>;
  readonly #expectations: Expectations;
  readonly #recorder: EventRecorder;

  constructor(settings: ReplicasKind<O>, context: ControllerContext, queue: KeyQueue) {
    this.#settings = settings;
    this.#context = context;
    this.#queue = queue;
    this.#owners = context.informers.informer(settings.kind);
    this.#pods = context.informers.informer(podKind);
    this.#expectations = new Expectations(context.clock, queue);
    this.#recorder = context.recorder(settings.component);
    indexByController(this.#owners);
    indexByController(this.#pods);
    this.#owners.onChange({
      added: (owner) => queue.add(keyOf(owner)),
      updated: (owner) => queue.add(keyOf(owner)),
      deleted: (owner) => {
        this.#expectations.forget(keyOf(owner));
        queue.add(keyOf(owner));
      },
    });
    watchOwnedPods({
      kind: settings.kind,
      owners: this.#owners,
      pods: this.#pods,
      queue,
      expectations: this.#expectations,
      selectorOf: settings.selectorOf,
    });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const owner = this.#owners.find(key);
    if (!owner) return;
    const selector = this.#settings.selectorOf(owner);
    if (!selector) return;
    const isSettled = this.#expectations.areMet(key);
    const candidates = candidatesFor(this.#pods, owner);
    const active = await claim({
      client: this.#context.client,
      ownerKind: this.#settings.kind,
      owner,
      kind: podKind,
      selector,
      candidates: candidates.filter(isActive),
      signal,
    });
    const terminating = candidates.filter((pod) => isTerminating(pod) && isControlledBy(pod, owner)).length;
    const failure = isSettled && !owner.metadata.deletionTimestamp ? await this.#scale(key, owner, active) : undefined;
    await this.#report(key, owner, active, terminating, failure);
    if (failure) throw failure.error;
  }

  /** Makes what is missing, deletes what is too much. */
  async #scale(key: string, owner: O, active: readonly Pod[]): Promise<Outcome | undefined> {
    const missing = (owner.spec?.replicas ?? 1) - active.length;
    if (missing > 0) return this.#create(key, owner, Math.min(missing, burst));
    if (missing < 0) return this.#delete(key, owner, active, Math.min(-missing, burst));
    return undefined;
  }

  async #create(key: string, owner: O, count: number): Promise<Outcome | undefined> {
    const { kind } = this.#settings;
    const asker = { kind, owner, client: this.#context.client, recorder: this.#recorder };
    const pod = podFromTemplate(owner.spec?.template ?? ({} as PodTemplateSpec), owner.metadata.name, {
      ...controllerReference(owner, kind),
    });
    this.#expectations.expectCreations(key, count);
    const { succeeded, error } = await slowStart(count, async () => {
      try {
        await createPod(asker, pod);
      } catch (problem) {
        // Nothing more can be made here, and nothing needs to be.
        if (!isNamespaceEnding(problem)) throw problem;
        this.#expectations.creationSeen(key);
      }
    });
    if (succeeded < count) this.#expectations.creationSeen(key, count - succeeded);
    return error === undefined ? undefined : { reason: 'FailedCreate', error };
  }

  async #delete(key: string, owner: O, active: readonly Pod[], count: number): Promise<Outcome | undefined> {
    const asker = { kind: this.#settings.kind, owner, client: this.#context.client, recorder: this.#recorder };
    const victims = pickVictims(active, this.#relatedPods(owner), count, this.#context.clock.now());
    this.#expectations.expectDeletions(key, victims.map(keyOf));
    let outcome: Outcome | undefined;
    const remove = async (pod: Pod) => {
      try {
        await deletePod(asker, pod);
      } catch (error) {
        this.#expectations.deletionSeen(key, keyOf(pod));
        outcome ??= { reason: 'FailedDelete', error };
      }
    };
    await Promise.all(victims.map(remove));
    return outcome;
  }

  /** Active pods of all sets with the same controller: the old and new sets of a Deployment. */
  #relatedPods(owner: O): Pod[] {
    const controller = controllerOf(owner);
    const siblings = controller ? controlledBy(this.#owners, controller.uid) : [owner];
    return siblings.flatMap((sibling) => controlledBy(this.#pods, sibling.metadata.uid).filter(isActive));
  }

  async #report(
    key: string,
    owner: O,
    activePods: readonly Pod[],
    terminating: number,
    failure: Outcome | undefined,
  ): Promise<void> {
    const { status, recheckMs } = planReplicaSetStatus({
      current: owner.status,
      generation: owner.metadata.generation ?? 0,
      minReadySeconds: owner.spec?.minReadySeconds ?? 0,
      templateLabels: owner.spec?.template?.metadata?.labels,
      activePods,
      ...(this.#settings.reportsTerminating ? { terminating } : {}),
      ...(failure ? { failure: { reason: failure.reason, message: (failure.error as Error).message } } : {}),
      nowMs: this.#context.clock.now(),
    });
    if (recheckMs !== undefined) this.#queue.addAfter(key, recheckMs + 10);
    if (isEqual(owner.status, status)) return;
    await this.#updateStatus(owner, status);
  }

  /** Tries once more on a fresh copy: the Deployment controller writes to the same object, to other fields. */
  async #updateStatus(owner: O, status: ReplicaSetStatus): Promise<void> {
    const resource = this.#context.client.resource(this.#settings.kind);
    try {
      await resource.update({ ...owner, status }, { subresource: 'status' });
    } catch (error) {
      if (!isConflict(error)) throw error;
      const fresh = await resource.find(splitKey(keyOf(owner)));
      if (!fresh || fresh.metadata.uid !== owner.metadata.uid) return;
      await resource.update({ ...fresh, status }, { subresource: 'status' });
    }
  }
}
