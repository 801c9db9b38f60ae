// How many pods of a PodDisruptionBudget may be evicted now.
import type { Scale } from '../../generated/autoscaling-v1.ts';
import type { Pod } from '../../generated/core-v1.ts';
import {
  deploymentKind,
  podDisruptionBudgetKind,
  podKind,
  replicaSetKind,
  replicationControllerKind,
  statefulSetKind,
} from '../../generated/kinds.ts';
import type { APIResourceList, LabelSelector, OwnerReference } from '../../generated/meta-v1.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../generated/policy-v1.ts';
import { isFinished } from '../api/core/pod-phase.ts';
import { findCondition, withCondition } from '../api/meta/conditions.ts';
import { isEqual } from '../api/meta/equality.ts';
import { scaledValue } from '../api/meta/int-or-string.ts';
import type { Labels } from '../api/meta/labels.ts';
import { type KubernetesObject, keyOf } from '../api/meta/object.ts';
import { controllerOf } from '../api/meta/owner-references.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import { timeMs, timeText } from '../api/meta/time.ts';
import { about } from '../reconcile/about.ts';
import type { ControllerContext, ControllerDefinition, EventRecorder, KeyQueue } from '../reconcile/controller.ts';
import type { Informer } from '../reconcile/informer.ts';
import { BudgetMembers } from './disruption/budget-members.ts';
import { discover } from './shared/discover.ts';
import { isReady } from './shared/pod-state.ts';

/** An eviction that was granted and is not seen to happen is forgotten after so long. */
const evictionTimeoutMs = 2 * 60_000;
/** Owners that are counted by what is cached of them. */
const counted = new Set(['ReplicaSet', 'ReplicationController', 'StatefulSet']);
interface PodMaker extends KubernetesObject {
  readonly spec?: { readonly template?: { readonly metadata?: { readonly labels?: Labels } } };
}

/** Before the key of a pod that was to be disrupted, among keys of budgets. */
const podPrefix = 'pod ';

export const disruptionController: ControllerDefinition = {
  name: 'disruption',
  setup(context, queue) {
    const controller = new DisruptionController(context, queue);
    return { name: 'disruption', reconcile: (key) => controller.reconcile(key) };
  },
};

class DisruptionController {
  readonly #context: ControllerContext;
  readonly #queue: KeyQueue;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #pods: Informer<Pod>;
  readonly #recorder: EventRecorder;
  readonly #members: BudgetMembers;

  constructor(context: ControllerContext, queue: KeyQueue) {
    const { informers } = context;
    this.#context = context;
    this.#queue = queue;
    this.#budgets = informers.informer(podDisruptionBudgetKind);
    this.#pods = informers.informer(podKind);
    this.#recorder = context.recorder('controllermanager');
    this.#budgets.onChange({
      added: (budget) => queue.add(keyOf(budget)),
      updated: (budget) => queue.add(keyOf(budget)),
    });
    this.#members = new BudgetMembers(this.#budgets, this.#pods);
    const addBudgets = (namespace = '', labels: Labels | undefined) => {
      for (const budget of this.#members.budgetsFor(namespace, labels)) queue.add(keyOf(budget));
    };
    const addBudgetsOf = ({ metadata }: Pod) => addBudgets(metadata.namespace, metadata.labels);
    this.#pods.onChange({
      added: (pod) => {
        addBudgetsOf(pod);
        if (staleInMs(pod, 0) !== undefined) queue.add(`${podPrefix}${keyOf(pod)}`);
      },
      updated: (next, previous) => {
        addBudgetsOf(next);
        if (!isEqual(next.metadata.labels, previous.metadata.labels)) addBudgetsOf(previous);
        if (staleInMs(next, 0) !== undefined) queue.add(`${podPrefix}${keyOf(next)}`);
      },
      deleted: (pod) => addBudgetsOf(pod),
    });
    // Scaling changes what is expected; and an owner may be heard of after its pods.
    const addBudgetsNear = ({ metadata, spec }: PodMaker) =>
      addBudgets(metadata.namespace, spec?.template?.metadata?.labels);
    const owners = [replicaSetKind, deploymentKind, statefulSetKind, replicationControllerKind];
    for (const kind of owners) {
      context.informers.informer<any>(kind).onChange({
        added: addBudgetsNear,
        updated: (next, previous) => next.spec?.replicas !== previous.spec?.replicas && addBudgetsNear(next),
      });
    }
  }

  reconcile(key: string): Promise<void> {
    return key.startsWith(podPrefix) ? this.#calm(key) : this.#count(key);
  }

  /** A pod that was to be disrupted, and after a while is not: its condition says so no longer. */
  async #calm(key: string): Promise<void> {
    const { client, clock } = this.#context;
    const pod = this.#pods.find(key.slice(podPrefix.length));
    const leftMs = pod && staleInMs(pod, clock.now());
    if (leftMs === undefined) return;
    if (leftMs > 0) {
      this.#queue.addAfter(key, leftMs);
      return;
    }
    const { namespace = '', name, generation } = pod!.metadata;
    const condition = {
      type: 'DisruptionTarget',
      status: 'False',
      ...(generation ? { observedGeneration: generation } : {}),
      reason: null,
      message: null,
      lastTransitionTime: timeText(clock.now()),
    };
    const patch = { status: { conditions: [condition] } };
    await client.resource(podKind).patch({ namespace, name }, patch, { type: 'strategic', subresource: 'status' });
  }

  async #count(key: string): Promise<void> {
    const budget = this.#budgets.find(key);
    if (!budget || budget.metadata.deletionTimestamp) return;
    const pods = this.#members.podsOf(budget);
    if (pods.length === 0)
      this.#recorder.event(about(podDisruptionBudgetKind, budget), 'Normal', 'NoPods', 'No matching pods found');
    const expected = await this.#expect(budget, pods);
    if (typeof expected === 'string') return this.#giveUp(budget, expected);
    const { expectedPods, desiredHealthy } = expected;
    const nowMs = this.#context.clock.now();
    const { disrupted, recheckMs, notDeleted } = stillDisrupted(budget, pods, nowMs);
    // Upstream, too, names the namespace twice.
    const { namespace } = budget.metadata;
    const late = `Pod was expected by PDB ${namespace}/${namespace} to be deleted but it wasn't`;
    for (const pod of notDeleted) this.#recorder.event(about(podKind, pod), 'Warning', 'NotDeleted', late);
    if (recheckMs !== undefined) this.#queue.addAfter(key, recheckMs);
    const isHealthy = (pod: Pod) =>
      !pod.metadata.deletionTimestamp && !isFinished(pod) && isReady(pod) && !(pod.metadata.name in disrupted);
    const currentHealthy = pods.filter(isHealthy).length;
    const room = currentHealthy - desiredHealthy;
    const disruptionsAllowed = expectedPods <= 0 || room <= 0 ? 0 : room;
    const reason = disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods';
    const observedGeneration = budget.metadata.generation ?? 0;
    const condition = {
      type: 'DisruptionAllowed',
      status: disruptionsAllowed > 0 ? ('True' as const) : ('False' as const),
      observedGeneration,
      lastTransitionTime: timeText(nowMs),
      reason,
      message: '',
    };
    const status: PodDisruptionBudgetStatus = {
      ...(Object.keys(disrupted).length > 0 ? { disruptedPods: disrupted } : {}),
      observedGeneration,
      disruptionsAllowed,
      currentHealthy,
      desiredHealthy,
      expectedPods,
      conditions: withCondition(budget.status?.conditions, condition),
    };
    if (isEqual(status, budget.status)) return;
    const next = { ...budget, status };
    await this.#context.client.resource(podDisruptionBudgetKind).update(next, { subresource: 'status' });
  }

  /** What cannot be counted must not be evicted. */
  async #giveUp(budget: PodDisruptionBudget, problem: string): Promise<void> {
    const text = `Failed to calculate the number of expected pods: ${problem}`;
    this.#recorder.event(about(podDisruptionBudgetKind, budget), 'Warning', 'CalculateExpectedPodCountFailed', text);
    const before = budget.status;
    const condition = {
      type: 'DisruptionAllowed',
      status: 'False' as const,
      ...(before?.observedGeneration ? { observedGeneration: before.observedGeneration } : {}),
      lastTransitionTime: timeText(this.#context.clock.now()),
      reason: 'SyncFailed',
      message: problem,
    };
    const conditions = withCondition(before?.conditions, condition);
    const none = { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
    const status: PodDisruptionBudgetStatus = { ...none, ...before, disruptionsAllowed: 0, conditions };
    if (isEqual(status, before)) return;
    await this.#context.client
      .resource(podDisruptionBudgetKind)
      .update({ ...budget, status }, { subresource: 'status' });
  }

  /** Or why it cannot be told. */
  async #expect(
    budget: PodDisruptionBudget,
    pods: readonly Pod[],
  ): Promise<{ expectedPods: number; desiredHealthy: number } | string> {
    const { minAvailable, maxUnavailable } = budget.spec ?? {};
    if (maxUnavailable === undefined && typeof minAvailable === 'number') {
      return { expectedPods: pods.length, desiredHealthy: minAvailable };
    }
    if (maxUnavailable === undefined && minAvailable === undefined)
      return { expectedPods: pods.length, desiredHealthy: 0 };
    const expectedPods = await this.#expectedByOwners(budget, pods);
    if (typeof expectedPods === 'string') return expectedPods;
    if (maxUnavailable === undefined) {
      return { expectedPods, desiredHealthy: scaledValue(minAvailable ?? 0, expectedPods, 'up') };
    }
    const desiredHealthy = Math.max(0, expectedPods - scaledValue(maxUnavailable, expectedPods, 'up'));
    return { expectedPods, desiredHealthy };
  }

  /** The pods that those who own them want; a pod that nobody scales cannot be counted so. */
  async #expectedByOwners(budget: PodDisruptionBudget, pods: readonly Pod[]): Promise<number | string> {
    const wanted = new Map<string, number>();
    let hasUnmanaged = false;
    for (const pod of pods) {
      const reference = controllerOf(pod);
      if (!reference) {
        hasUnmanaged = true;
        continue;
      }
      if (wanted.has(reference.uid)) continue;
      const owner = this.#scaledOwner(pod) ?? (await this.#otherOwner(pod, reference));
      if (typeof owner === 'string') return owner;
      if (!owner) return `found no controllers for pod "${pod.metadata.name}"`;
      wanted.set(owner.uid, owner.replicas);
    }
    if (hasUnmanaged) this.#tellUnmanaged(budget);
    return [...wanted.values()].reduce((sum, replicas) => sum + replicas, 0);
  }

  #scaledOwner(pod: Pod): { uid: string; replicas: number } | undefined {
    const reference = controllerOf(pod);
    if (!reference) return undefined;
    const key = `${pod.metadata.namespace}/${reference.name}`;
    const find = (kind: { kind: string }) =>
      kind.kind === reference.kind ? this.#context.informers.informer<any>(kind as never).find(key) : undefined;
    const set = find(replicaSetKind) ?? find(replicationControllerKind) ?? find(statefulSetKind);
    if (!set || set.metadata.uid !== reference.uid) return undefined;
    const parent = controllerOf(set);
    const deployment =
      parent?.kind === deploymentKind.kind
        ? this.#context.informers.informer(deploymentKind).find(`${pod.metadata.namespace}/${parent.name}`)
        : undefined;
    const scaled = deployment ?? set;
    return { uid: scaled.metadata.uid ?? '', replicas: scaled.spec?.replicas ?? 1 };
  }

  /** Whatever can be scaled says how many it wants; or why it can not be asked. */
  async #otherOwner(
    { metadata }: Pod,
    { apiVersion, kind, name, uid }: OwnerReference,
  ): Promise<{ uid: string; replicas: number } | string | undefined> {
    const { client } = this.#context;
    const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
    if (counted.has(kind) && (group === '' || group === 'apps')) return undefined;
    const { resources } = await discover(client);
    const isIt = (each: (typeof resources)[number]) => each.kind === kind && each.group === group;
    const resource = resources.find((each) => isIt(each) && each.version === version) ?? resources.find(isIt);
    if (!resource) return `no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`;
    const root = group ? `/apis/${group}/${resource.version}` : `/api/${resource.version}`;
    const path = `${root}/namespaces/${metadata.namespace}/${resource.plural}/${name}/scale`;
    try {
      const scale = await client.getJson<Scale>(path);
      return scale.metadata?.uid === uid ? { uid, replicas: scale.spec?.replicas ?? 0 } : undefined;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const { resources: served = [] } = await client.getJson<APIResourceList>(root);
      if (served.some((each) => each.name === `${resource.plural}/scale`)) return undefined;
      return `${group ? `${resource.plural}.${group}` : resource.plural} does not implement the scale subresource`;
    }
  }

  #tellUnmanaged(budget: PodDisruptionBudget): void {
    const message =
      `Pods selected by this PodDisruptionBudget (selector: ${describe(budget.spec?.selector)}) were found to be unmanaged. ` +
      'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. ' +
      'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.';
    this.#recorder.event(about(podDisruptionBudgetKind, budget), 'Warning', 'UnmanagedPods', message);
  }
}

/** Evictions that the API server has granted and that are not seen in the pods yet. */
function stillDisrupted(budget: PodDisruptionBudget, pods: readonly Pod[], nowMs: number) {
  const disrupted: Record<string, string> = {};
  const notDeleted: Pod[] = [];
  let recheckMs: number | undefined;
  for (const pod of pods) {
    const time = budget.status?.disruptedPods?.[pod.metadata.name];
    const sinceMs = timeMs(time);
    if (time === undefined || sinceMs === undefined || pod.metadata.deletionTimestamp) continue;
    const leftMs = sinceMs + evictionTimeoutMs - nowMs;
    if (leftMs <= 0) {
      notDeleted.push(pod);
      continue;
    }
    disrupted[pod.metadata.name] = time;
    recheckMs = Math.min(recheckMs ?? leftMs, leftMs);
  }
  return { disrupted, recheckMs, notDeleted };
}

/** How long a disruption that was announced may still come about; undefined where none was, or the kubelet will see to it. */
function staleInMs(pod: Pod, nowMs: number): number | undefined {
  const condition = findCondition(pod.status?.conditions, 'DisruptionTarget');
  if (condition?.status !== 'True' || condition.reason === 'TerminationByKubelet') return undefined;
  if (pod.metadata.deletionTimestamp || isFinished(pod)) return undefined;
  return (timeMs(condition.lastTransitionTime) ?? 0) + evictionTimeoutMs - nowMs;
}

/** A selector as upstream's message prints it. */
function describe(selector: LabelSelector | undefined): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const expressions = (selector?.matchExpressions ?? []).map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  const map = labels.map(([key, value]) => `${key}: ${value},`).join('');
  return `&LabelSelector{MatchLabels:map[string]string{${map}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`;
}
