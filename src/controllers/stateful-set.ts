import type { ControllerRevision, StatefulSet } from '../../generated/apps-v1.ts';
import type { Pod } from '../../generated/core-v1.ts';
import { controllerRevisionKind, persistentVolumeClaimKind, podKind, statefulSetKind } from '../../generated/kinds.ts';
import { defaultPodTemplate } from '../api/core/pod-defaults.ts';
import { isEqual } from '../api/meta/equality.ts';
import { matchesSelector, type Selector } from '../api/meta/labels.ts';
import { keyOf } from '../api/meta/object.ts';
import { isAlreadyExists, isNotFound } from '../api/meta/status-error.ts';
import { about } from '../reconcile/about.ts';
import type { ControllerContext, ControllerDefinition, EventRecorder, KeyQueue } from '../reconcile/controller.ts';
import { claim } from '../reconcile/controller-refs.ts';
import { Expectations } from '../reconcile/expectations.ts';
import type { Informer } from '../reconcile/informer.ts';
import {
  claimRevisions,
  ensureRevision,
  type HistoryOptions,
  revisionHashLabel,
  templateOf,
  trimHistory,
} from './revisions/history.ts';
import { candidatesFor, indexByController, orphansOf } from './shared/indexes.ts';
import { cachedSelector } from './shared/selector.ts';
import { slowStart } from './shared/slow-start.ts';
import { watchOwnedPods } from './shared/watch-owned-pods.ts';
import { ClaimControl } from './stateful-set/claim-control.ts';
import {
  planStatefulSet,
  planStatefulStatus,
  type StatefulInput,
  type StatefulPlan,
} from './stateful-set/plan-stateful-set.ts';
import { endOf, lostLabels, ordinalOf, podNameOf, startOf, statefulPod } from './stateful-set/stateful-pod.ts';

const revisionLabel = 'controller.kubernetes.io/hash';
/** A claim of a pod that is gone goes soon after; nobody tells when. */
const staleClaimMs = 1000;

/** Keeps the pods of a StatefulSet, each under its own name and with its own claims. */
export const statefulSetController: ControllerDefinition = {
  name: 'statefulset',
  setup(context, queue) {
    const controller = new StatefulSetController(context, queue);
    return { name: 'statefulset', reconcile: (key, signal) => controller.reconcile(key, signal) };
  },
};

interface Revisions {
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
  readonly collisionCount: number;
  readonly history: HistoryOptions<StatefulSet>;
}

class StatefulSetController {
  readonly #context: ControllerContext;
  readonly #queue: KeyQueue;
  readonly #sets: Informer<StatefulSet>;
  readonly #pods: Informer<Pod>;
  readonly #revisions: Informer<ControllerRevision>;
  readonly #claims: ClaimControl;
  readonly #expectations: Expectations;
  readonly #recorder: EventRecorder;

  constructor(context: ControllerContext, queue: KeyQueue) {
    const { informers, client } = context;
    this.#context = context;
    this.#queue = queue;
    this.#sets = informers.informer(statefulSetKind);
    this.#pods = informers.informer(podKind);
    this.#revisions = informers.informer(controllerRevisionKind);
    this.#recorder = context.recorder('statefulset-controller');
    const claims = informers.informer(persistentVolumeClaimKind);
    this.#claims = new ClaimControl({ client, claims, recorder: this.#recorder });
    this.#expectations = new Expectations(context.clock, queue);
    indexByController(this.#pods);
    indexByController(this.#revisions);
    this.#sets.onChange({
      added: (set) => queue.add(keyOf(set)),
      updated: (set) => queue.add(keyOf(set)),
      deleted: (set) => this.#expectations.forget(keyOf(set)),
    });
    watchOwnedPods({
      kind: statefulSetKind,
      owners: this.#sets,
      pods: this.#pods,
      queue,
      expectations: this.#expectations,
      selectorOf: (set) => cachedSelector(set.spec.selector),
    });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const set = this.#sets.find(key);
    const selector = cachedSelector(set?.spec.selector);
    if (!set || !selector || this.#isLettingGo(set, selector)) return;
    // Asked before the cache is read: what comes in meanwhile is not in what we are about to look at.
    const isSettled = this.#expectations.areMet(key);
    const revisions = await this.#revisionsOf(set, selector, signal);
    const pods = await this.#claimPods(set, selector, signal);
    const { current, update, collisionCount, history } = revisions;
    const nowMs = this.#context.clock.now();
    const names = { current: current.metadata.name, update: update.metadata.name };
    const input: StatefulInput = { set, pods, ...names, collisionCount, nowMs };
    let problem: unknown;
    if (isSettled) problem = await this.#perform(input, revisions, planStatefulSet(input));
    await this.#report(key, input);
    const live = new Set([names.current, names.update, ...pods.map((pod) => pod.metadata.labels?.[revisionHashLabel])]);
    await trimHistory(history, ({ metadata }) => live.has(metadata.name));
    if (problem) throw problem;
  }

  /** It is deleted and leaves its revisions behind: to make others would litter. */
  #isLettingGo({ metadata }: StatefulSet, selector: Selector): boolean {
    if (!metadata.deletionTimestamp) return false;
    const orphans = orphansOf(this.#revisions, metadata.namespace ?? '');
    return orphans.some((revision) => matchesSelector(selector, revision.metadata.labels));
  }

  async #claimPods(set: StatefulSet, selector: Selector, signal: AbortSignal): Promise<Pod[]> {
    const isMember = (pod: Pod) => ordinalOf(set, pod) !== undefined;
    const mine = await claim({
      client: this.#context.client,
      ownerKind: statefulSetKind,
      owner: set,
      kind: podKind,
      selector,
      candidates: candidatesFor(this.#pods, set),
      mayAdopt: isMember,
      signal,
    });
    return mine.filter(isMember);
  }

  async #revisionsOf(set: StatefulSet, selector: Selector, signal: AbortSignal): Promise<Revisions> {
    const { client } = this.#context;
    const owner = { client, ownerKind: statefulSetKind, owner: set };
    const revisions = await claimRevisions({ ...owner, revisions: this.#revisions, selector, signal });
    for (let collisionCount = set.status?.collisionCount ?? 0; ; collisionCount++) {
      const history: HistoryOptions<StatefulSet> = {
        client,
        kind: statefulSetKind,
        owner: set,
        revisions,
        collisionCount,
        hashLabel: revisionLabel,
        fill: defaultPodTemplate,
      };
      const update = await ensureRevision(history);
      if (!update) continue;
      const current = revisions.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
      return { current, update, collisionCount, history };
    }
  }

  /** Gives the first failure, when all that could be done was. */
  async #perform(input: StatefulInput, revisions: Revisions, plan: StatefulPlan): Promise<unknown> {
    const { set } = input;
    const key = keyOf(set);
    const create = plan.create.filter(({ ordinal }) => !this.#isWaitingForClaim(set, ordinal));
    this.#expectations.expect(key, create.length, plan.delete.map(keyOf));
    const { succeeded, error } = await slowStart(create.length, async (at) => {
      const { ordinal, isCurrent } = create[at]!;
      const revision = isCurrent ? revisions.current : revisions.update;
      await this.#create(set, ordinal, revision);
    });
    this.#expectations.creationSeen(key, create.length - succeeded);
    let problem = error;
    const note = async (work: Promise<void>) => {
      try {
        await work;
      } catch (failure) {
        problem ??= failure;
      }
    };
    const seeTo = plan.pending.map((pod) => this.#claims.createMissing(set, ordinalOf(set, pod) ?? 0));
    await Promise.all([...seeTo, ...plan.settled.map((pod) => this.#settle(set, pod))].map(note));
    await Promise.all(plan.delete.map((pod) => note(this.#delete(set, pod))));
    return problem;
  }

  #isWaitingForClaim(set: StatefulSet, ordinal: number): boolean {
    const isWaiting = this.#claims.hasStale(set, ordinal);
    if (isWaiting) this.#queue.addAfter(keyOf(set), staleClaimMs);
    return isWaiting;
  }

  async #create(set: StatefulSet, ordinal: number, revision: ControllerRevision): Promise<void> {
    const name = podNameOf(set, ordinal);
    try {
      await this.#claims.createMissing(set, ordinal);
      const pod = statefulPod(set, ordinal, { template: templateOf(revision), revision: revision.metadata.name });
      const { namespace = '' } = set.metadata;
      await this.#context.client.resource(podKind).create({ ...pod, metadata: { ...pod.metadata, namespace } });
      this.#tell(set, 'Create', name);
    } catch (error) {
      // A stranger has the name, or the cache is behind: neither is news.
      if (!isAlreadyExists(error)) this.#tell(set, 'Create', name, error);
      throw error;
    }
  }

  async #delete(set: StatefulSet, pod: Pod): Promise<void> {
    const { namespace = '', name, uid = '' } = pod.metadata;
    try {
      await this.#context.client.resource(podKind).delete({ namespace, name }, { preconditions: { uid } });
      this.#tell(set, 'Delete', name);
    } catch (error) {
      this.#expectations.deletionSeen(keyOf(set), keyOf(pod));
      if (isNotFound(error)) return;
      this.#tell(set, 'Delete', name, error);
      throw error;
    }
  }

  /** Puts back labels that were taken, and gives the claims their owner. */
  async #settle(set: StatefulSet, pod: Pod): Promise<void> {
    const ordinal = ordinalOf(set, pod) ?? 0;
    const isWanted = ordinal >= startOf(set) && ordinal < endOf(set);
    const hasRetained = (await this.#claims.retain(set, pod)) && isWanted;
    const labels = lostLabels(set, ordinal, pod);
    const { namespace = '', name, uid, deletionTimestamp } = pod.metadata;
    if (!labels || deletionTimestamp) {
      if (hasRetained) this.#tell(set, 'Update', name);
      return;
    }
    try {
      const patch = { metadata: { uid, labels } };
      await this.#context.client.resource(podKind).patch({ namespace, name }, patch, { type: 'merge' });
      this.#tell(set, 'Update', name);
    } catch (error) {
      if (isNotFound(error)) return;
      this.#tell(set, 'Update', name, error);
      throw error;
    }
  }

  #tell(set: StatefulSet, verb: 'Create' | 'Delete' | 'Update', pod: string, error?: unknown): void {
    const what = `${verb} Pod ${pod} in StatefulSet ${set.metadata.name}`;
    const subject = about(statefulSetKind, set);
    if (!error) this.#recorder.event(subject, 'Normal', `Successful${verb}`, `${what} successful`);
    else this.#recorder.event(subject, 'Warning', `Failed${verb}`, `${what} failed error: ${(error as Error).message}`);
  }

  async #report(key: string, input: StatefulInput): Promise<void> {
    const { status, recheckMs } = planStatefulStatus(input);
    if (recheckMs !== undefined) this.#queue.addAfter(key, recheckMs + 10);
    const { conditions } = input.set.status ?? {};
    const next = conditions ? { ...status, conditions } : status;
    if (isEqual(next, input.set.status)) return;
    await this.#context.client
      .resource(statefulSetKind)
      .update({ ...input.set, status: next }, { subresource: 'status' });
  }
}
