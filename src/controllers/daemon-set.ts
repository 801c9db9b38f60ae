import type { ControllerRevision, DaemonSet } from '../../generated/apps-v1.ts';
import type { Node, Pod } from '../../generated/core-v1.ts';
import { controllerRevisionKind, daemonSetKind, nodeKind, podKind } from '../../generated/kinds.ts';
import { isEqual } from '../api/meta/equality.ts';
import type { Selector } from '../api/meta/labels.ts';
import { keyOf } from '../api/meta/object.ts';
import { controllerOf } from '../api/meta/owner-references.ts';
import { about } from '../reconcile/about.ts';
import type { ControllerContext, ControllerDefinition, EventRecorder, KeyQueue } from '../reconcile/controller.ts';
import { claim } from '../reconcile/controller-refs.ts';
import { Expectations } from '../reconcile/expectations.ts';
import type { Informer } from '../reconcile/informer.ts';
import { LruMap } from '../reconcile/lru-map.ts';
import { daemonPod, nodeOfDaemon, placementOn } from './daemon-set/daemon-pod.ts';
import {
  type DaemonInput,
  type DaemonPlan,
  planDaemonStatus,
  planPlacement,
  planRollout,
} from './daemon-set/plan-daemons.ts';
import {
  claimRevisions,
  ensureRevision,
  type HistoryOptions,
  revisionHashLabel,
  trimHistory,
} from './revisions/history.ts';
import { candidatesFor, indexByController } from './shared/indexes.ts';
import { createPod, deletePod } from './shared/pod-control.ts';
import { indexByNode, podsOn } from './shared/pods-by-node.ts';
import { cachedSelector } from './shared/selector.ts';
import { slowStart } from './shared/slow-start.ts';
import { watchOwnedPods } from './shared/watch-owned-pods.ts';

const burst = 250;
const minBackoffMs = 1000;
const maxBackoffMs = 15 * 60_000;

/** One that has ended and is being deleted is as good as gone: somebody else's finalizer holds it. */
const isThere = ({ metadata, status }: Pod) =>
  !metadata.deletionTimestamp || (status?.phase !== 'Failed' && status?.phase !== 'Succeeded');

/** Keeps one pod of a DaemonSet on each node that it is for. */
export const daemonSetController: ControllerDefinition = {
  name: 'daemonset',
  setup(context, queue) {
    const controller = new DaemonSetController(context, queue);
    return { name: 'daemonset', workers: 2, reconcile: (key, signal) => controller.reconcile(key, signal) };
  },
};

class DaemonSetController {
  readonly #context: ControllerContext;
  readonly #queue: KeyQueue;
  readonly #sets: Informer<DaemonSet>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #revisions: Informer<ControllerRevision>;
  readonly #expectations: Expectations;
  readonly #recorder: EventRecorder;
  /** By set and node. */
  readonly #failures = new LruMap<string, { count: number; atMs: number }>(10_000);

  constructor(context: ControllerContext, queue: KeyQueue) {
    const { informers } = context;
    this.#context = context;
    this.#queue = queue;
    this.#sets = informers.informer(daemonSetKind);
    this.#pods = informers.informer(podKind);
    this.#nodes = informers.informer(nodeKind);
    this.#revisions = informers.informer(controllerRevisionKind);
    this.#expectations = new Expectations(context.clock, queue);
    this.#recorder = context.recorder('daemonset-controller');
    indexByController(this.#pods);
    indexByController(this.#revisions);
    indexByNode(this.#pods);
    this.#sets.onChange({
      added: (set) => queue.add(keyOf(set)),
      updated: (set) => queue.add(keyOf(set)),
      deleted: (set) => this.#expectations.forget(keyOf(set)),
    });
    // A node that goes takes its pods along, which is when there is something to do.
    this.#nodes.onChange({
      added: (node) => this.#lookAt(node),
      updated: (next, previous) => {
        const isSame =
          isEqual(next.metadata.labels, previous.metadata.labels) && isEqual(next.spec?.taints, previous.spec?.taints);
        if (!isSame) this.#lookAt(next);
      },
    });
    watchOwnedPods({
      kind: daemonSetKind,
      owners: this.#sets,
      pods: this.#pods,
      queue,
      expectations: this.#expectations,
      selectorOf: (set) => cachedSelector(set.spec.selector),
    });
  }

  /** Wakes the sets that lack a pod on the node, or have one too many there. */
  #lookAt(node: Node): void {
    const owners = new Set(podsOn(this.#pods, node.metadata.name).map((pod) => controllerOf(pod)?.uid));
    for (const set of this.#sets.list()) {
      const { shouldRun, mayStay } = placementOn(set, node);
      const isThere = owners.has(set.metadata.uid);
      const mayBeMisplaced = isThere && (set.status?.numberMisscheduled ?? 0) > 0;
      if ((shouldRun && !isThere) || (!mayStay && isThere) || mayBeMisplaced) this.#queue.add(keyOf(set));
    }
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const set = this.#sets.find(key);
    const selector = cachedSelector(set?.spec.selector);
    if (!set || !selector || set.metadata.deletionTimestamp) return;
    if (selector.length === 0) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.';
      this.#recorder.event(about(daemonSetKind, set), 'Warning', 'SelectingAll', message);
      return;
    }
    const { client } = this.#context;
    // Asked before the cache is read: what comes in meanwhile is not in what we are about to look at.
    const isSettled = this.#expectations.areMet(key);
    const history = await this.#historyOf(set, selector, signal);
    const revision = await ensureRevision(history);
    if (!revision) return this.#noteCollision(set);
    const candidates = candidatesFor(this.#pods, set);
    const pods = await claim({
      client,
      ownerKind: daemonSetKind,
      owner: set,
      kind: podKind,
      selector,
      candidates,
      signal,
    });
    const input: DaemonInput = {
      set,
      nodes: this.#nodes.list(),
      pods: Map.groupBy(pods.filter(isThere), nodeOfDaemon),
      hash: revision.metadata.labels?.[revisionHashLabel] ?? '',
      nowMs: this.#context.clock.now(),
    };
    let problem: unknown;
    if (isSettled) {
      let outcome = await this.#perform(input, planPlacement(input));
      // What was just made or deleted is not in the input: the next look goes on.
      if (!outcome.hasActed) outcome = await this.#perform(input, planRollout(input));
      problem = outcome.problem;
      await trimHistory(history, (each) => this.#isLive(each, revision, pods), revision);
    }
    await this.#report(key, input);
    if (problem) throw problem;
  }

  /** Revisions that a set of this name has left behind are taken up, so that their pods need not be replaced. */
  async #historyOf(set: DaemonSet, selector: Selector, signal: AbortSignal): Promise<HistoryOptions<DaemonSet>> {
    const { client } = this.#context;
    const owner = { client, ownerKind: daemonSetKind, owner: set };
    const revisions = await claimRevisions({ ...owner, revisions: this.#revisions, selector, signal });
    return {
      client,
      kind: daemonSetKind,
      owner: set,
      revisions,
      collisionCount: set.status?.collisionCount,
      hashLabel: revisionHashLabel,
    };
  }

  #isLive(revision: ControllerRevision, current: ControllerRevision, pods: readonly Pod[]): boolean {
    if (revision.metadata.name === current.metadata.name) return true;
    const hash = revision.metadata.labels?.[revisionHashLabel];
    return pods.some((pod) => pod.metadata.labels?.[revisionHashLabel] === hash);
  }

  async #noteCollision(set: DaemonSet): Promise<void> {
    const collisionCount = (set.status?.collisionCount ?? 0) + 1;
    const status = { ...set.status!, collisionCount };
    await this.#context.client.resource(daemonSetKind).update({ ...set, status }, { subresource: 'status' });
  }

  /** Daemons that fail at once are not replaced at once: later each time. */
  #isBackingOff(set: DaemonSet, pod: Pod): boolean {
    const id = `${set.metadata.uid}/${nodeOfDaemon(pod)}`;
    const nowMs = this.#context.clock.monotonicMs();
    const known = this.#failures.get(id);
    const delayMs = known ? Math.min(minBackoffMs * 2 ** known.count, maxBackoffMs) : 0;
    if (known && nowMs < known.atMs + delayMs) {
      this.#queue.addAfter(keyOf(set), known.atMs + delayMs - nowMs);
      return true;
    }
    const hasHealed = known && nowMs > known.atMs + 2 * maxBackoffMs;
    this.#failures.set(id, { count: known && !hasHealed ? Math.min(known.count + 1, 20) : 0, atMs: nowMs });
    return false;
  }

  async #perform({ set, hash }: DaemonInput, plan: DaemonPlan): Promise<{ hasActed: boolean; problem?: unknown }> {
    const waiting = plan.ended.filter(({ pod, phase }) => phase === 'Failed' && this.#isBackingOff(set, pod));
    const isWaiting = (pod: Pod) => waiting.some((each) => each.pod === pod);
    const create = plan.create.slice(0, burst);
    const remove = plan.delete.filter((pod) => !isWaiting(pod)).slice(0, burst);
    if (create.length + remove.length === 0) return { hasActed: false };
    const key = keyOf(set);
    const asker = { kind: daemonSetKind, owner: set, client: this.#context.client, recorder: this.#recorder };
    this.#expectations.expect(key, create.length, remove.map(keyOf));
    for (const { pod, phase } of plan.ended) if (!isWaiting(pod)) this.#tellEnded(set, pod, phase);
    const { succeeded, error } = await slowStart(create.length, async (at) => {
      await createPod(asker, daemonPod(set, create[at]!, hash));
    });
    this.#expectations.creationSeen(key, create.length - succeeded);
    let problem = error;
    await Promise.all(
      remove.map(async (pod) => {
        try {
          await deletePod(asker, pod);
        } catch (failure) {
          this.#expectations.deletionSeen(key, keyOf(pod));
          problem ??= failure;
        }
      }),
    );
    return { hasActed: true, problem };
  }

  #tellEnded(set: DaemonSet, pod: Pod, phase: 'Failed' | 'Succeeded'): void {
    const where = `${pod.metadata.namespace}/${pod.metadata.name} on node ${nodeOfDaemon(pod)}`;
    const subject = about(daemonSetKind, set);
    if (phase === 'Succeeded') {
      const message = `Found succeeded daemon pod ${where}, will try to delete it`;
      this.#recorder.event(subject, 'Normal', 'SucceededDaemonPod', message);
    } else {
      const message = `Found failed daemon pod ${where}, will try to kill it`;
      this.#recorder.event(subject, 'Warning', 'FailedDaemonPod', message);
    }
  }

  async #report(key: string, input: DaemonInput): Promise<void> {
    const { status, recheckMs } = planDaemonStatus(input);
    if (recheckMs !== undefined) this.#queue.addAfter(key, recheckMs + 10);
    if (isEqual(status, input.set.status)) return;
    await this.#context.client.resource(daemonSetKind).update({ ...input.set, status }, { subresource: 'status' });
  }
}
