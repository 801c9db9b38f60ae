// Whether everything is as it was declared, after nothing has gone wrong for a while. Gives what is not, a line each.

import { isGoing, isOver, ownerOf } from './invariants/invariant.ts';
import { limitOf, usage } from './invariants/kept-quotas.ts';
import { cpuOf, milli, portsOf } from './invariants/node-capacity.ts';
import type { Ledger, StoredObject } from './ledger.ts';

type Check = (ledger: Ledger, object: StoredObject) => string | undefined;

const podsOf = (ledger: Ledger, owner: StoredObject): StoredObject[] =>
  ledger.list('pods', owner.metadata.namespace).filter((pod) => ownerOf(pod)?.uid === owner.metadata.uid);
const condition = (object: StoredObject, type: string): string | undefined =>
  object['status']?.conditions?.find((each: any) => each.type === type)?.status;
const isReady = (pod: StoredObject) => condition(pod, 'Ready') === 'True';
const isObserved = (object: StoredObject) =>
  (object['status']?.observedGeneration ?? 0) >= (object.metadata.generation ?? 0);

const namespaceGone: Check = (_, namespace) => (isGoing(namespace) ? 'is still going' : undefined);

const nodeReady: Check = (_, node) => {
  if (condition(node, 'Ready') !== 'True') return 'is not ready';
  const taints = (node['spec'].taints ?? []).filter(({ effect }: any) => effect !== 'PreferNoSchedule');
  return taints.length > 0 ? `keeps its taints ${JSON.stringify(taints)}` : undefined;
};

const podSettled: Check = (ledger, pod) => {
  if (isGoing(pod)) return 'is still going';
  if (isOver(pod)) return undefined;
  const node = pod['spec'].nodeName;
  if (!node) return fitsSomewhere(ledger, pod) ? 'is not scheduled' : undefined;
  if (!ledger.find('nodes', node)) return `is on ${node}, which is gone`;
  if (pod['spec'].restartPolicy === 'Always' && !isReady(pod)) return 'is not ready';
  return undefined;
};

/** The node that a pod of a DaemonSet is for. */
const targetOf = (pod: StoredObject): string | undefined =>
  pod['spec'].affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.[0]
    ?.matchFields?.[0]?.values?.[0];

/** By requests and ports alone: the simulation makes no pods that are choosier, but for those of DaemonSets. */
function fitsSomewhere(ledger: Ledger, pod: StoredObject): boolean {
  const isDaemon = ownerOf(pod)?.kind === 'DaemonSet';
  const pinned = targetOf(pod);
  return ledger.list('nodes').some((node) => {
    if (isDaemon && pinned !== node.metadata.name) return false;
    const there = ledger.list('pods').filter((each) => each['spec'].nodeName === node.metadata.name && !isOver(each));
    const { allocatable = {} } = node['status'] ?? {};
    const cpu = there.reduce((sum, each) => sum + cpuOf(each), 0);
    const taken = new Set(there.flatMap(portsOf));
    return (
      cpu + cpuOf(pod) <= milli(allocatable.cpu ?? '0') &&
      there.length < Number(allocatable.pods) &&
      !portsOf(pod).some((port) => taken.has(port))
    );
  });
}

/** Some of the pods have no place: whoever wants them can not have them. */
const isStarved = (ledger: Ledger, pods: readonly StoredObject[]) =>
  pods.some((pod) => !pod['spec'].nodeName && !fitsSomewhere(ledger, pod));

const replicas: Check = (ledger, set) => {
  const wanted = set['spec'].replicas ?? 1;
  const pods = podsOf(ledger, set).filter((pod) => !isOver(pod));
  if (pods.length !== wanted) return `has ${pods.length} pods of ${wanted}`;
  if (!isObserved(set)) return 'was not observed';
  const { status = {} } = set;
  if ((status.replicas ?? 0) !== wanted) return `says ${status.replicas} of ${wanted}`;
  const ready = pods.filter(isReady).length;
  if ((status.readyReplicas ?? 0) !== ready) return `says ${status.readyReplicas} ready of ${ready}`;
  if ((status.availableReplicas ?? 0) !== ready) return `says ${status.availableReplicas} available of ${ready}`;
  return undefined;
};

const deployment: Check = (ledger, object) => {
  if (!isObserved(object)) return 'was not observed';
  const { spec, status = {} } = object;
  const wanted = spec.replicas ?? 1;
  const sets = ledger
    .list('replicasets', object.metadata.namespace)
    .filter((set) => ownerOf(set)?.uid === object.metadata.uid);
  const pods = sets.flatMap((set) => podsOf(ledger, set)).filter((pod) => !isOver(pod));
  if ((status.replicas ?? 0) !== pods.length) return `says ${status.replicas} of ${pods.length} pods`;
  if (spec.paused || isStarved(ledger, pods)) return undefined;
  if (pods.length !== wanted) return `has ${pods.length} pods of ${wanted}`;
  for (const name of ['updatedReplicas', 'readyReplicas', 'availableReplicas'])
    if ((status[name] ?? 0) !== wanted) return `says ${name} ${status[name]} of ${wanted}`;
  if (condition(object, 'Available') !== 'True') return 'is not Available';
  const old = sets.filter((set) => set['spec'].replicas === 0).length;
  if (old > (spec.revisionHistoryLimit ?? 10) + 1) return `keeps ${old} old sets`;
  return undefined;
};

const statefulSet: Check = (ledger, set) => {
  if (!isObserved(set)) return 'was not observed';
  const { spec, status = {} } = set;
  const wanted = spec.replicas ?? 1;
  const pods = podsOf(ledger, set);
  if (isStarved(ledger, pods)) return undefined;
  if (isBlocked(ledger, set, pods)) return undefined;
  if (pods.length !== wanted) return `has ${pods.length} pods of ${wanted}`;
  for (const name of ['replicas', 'readyReplicas', 'availableReplicas'])
    if ((status[name] ?? 0) !== wanted) return `says ${name} ${status[name]} of ${wanted}`;
  const isWhole = spec.updateStrategy?.type === 'RollingUpdate' && !spec.updateStrategy.rollingUpdate?.partition;
  if (isWhole && status.currentRevision !== status.updateRevision) return 'has not updated all';
  return undefined;
};

/** Somebody else has the name that is to be taken next, so the others are not tried, or one that is not needed. */
function isBlocked(ledger: Ledger, set: StoredObject, pods: readonly StoredObject[]): boolean {
  const { name, namespace, uid } = set.metadata;
  const strangers = ledger
    .list('pods', namespace)
    .filter(
      (pod) =>
        /^.+-\d+$/.test(pod.metadata.name) && pod.metadata.name.startsWith(`${name}-`) && ownerOf(pod)?.uid !== uid,
    )
    .map((pod) => pod.metadata.name);
  if (strangers.length === 0) return false;
  const { replicas: wanted = 1, ordinals } = set['spec'];
  const has = new Set(pods.map((pod) => pod.metadata.name));
  const names = Array.from({ length: wanted }, (_, index) => `${name}-${(ordinals?.start ?? 0) + index}`);
  const next = names.find((each) => !has.has(each));
  return next === undefined || strangers.includes(next);
}

const daemonSet: Check = (ledger, set) => {
  if (!isObserved(set)) return 'was not observed';
  const nodes = ledger.list('nodes');
  const pods = podsOf(ledger, set).filter((pod) => !isOver(pod));
  const { status = {} } = set;
  if (status.desiredNumberScheduled !== nodes.length)
    return `wants ${status.desiredNumberScheduled} of ${nodes.length}`;
  // Those that have no place are there all the same; one that was refused is asked for again, and that can take long.
  // Pods of a surge may wait for the places, or the ports, of the ones that they are to replace.
  const surplus = set['spec'].updateStrategy?.rollingUpdate?.maxSurge
    ? pods.filter(
        (pod) => isStarved(ledger, [pod]) && pods.some((other) => other !== pod && targetOf(other) === targetOf(pod)),
      )
    : [];
  const there = pods.length - surplus.length;
  if (there !== nodes.length) return `has ${there} pods on ${nodes.length} nodes`;
  if (isStarved(ledger, pods)) return undefined;
  for (const name of ['currentNumberScheduled', 'numberReady', 'numberAvailable', 'updatedNumberScheduled'])
    if (status[name] !== nodes.length) return `says ${name} ${status[name]} of ${nodes.length}`;
  return undefined;
};

const isFinished = (job: StoredObject) => condition(job, 'Complete') === 'True' || condition(job, 'Failed') === 'True';

const job: Check = (ledger, object) => {
  const { spec, status = {} } = object;
  const pods = podsOf(ledger, object);
  const active = pods.filter((pod) => !isOver(pod) && !isGoing(pod)).length;
  if (isFinished(object)) {
    if (spec.ttlSecondsAfterFinished !== undefined) return 'has outlived its time';
    if (active > 0) return `runs ${active} pods after its end`;
    if (pods.some(({ metadata }) => metadata.finalizers?.length)) return 'holds finalizers of its pods after its end';
    const { completions } = spec;
    const succeeded = status.succeeded ?? 0;
    // A pod whose creation was answered by nobody succeeds as well; of one index that counts once.
    const isTooMany = spec.completionMode === 'Indexed' && succeeded > completions;
    if (condition(object, 'Complete') === 'True' && completions !== undefined && !spec.successPolicy)
      if (succeeded < completions || isTooMany) return `is complete with ${succeeded} of ${completions}`;
    if (status.uncountedTerminatedPods?.succeeded || status.uncountedTerminatedPods?.failed)
      return 'has uncounted pods';
    if ((status.active ?? 0) > 0 || (status.terminating ?? 0) > 0) return 'says pods are left';
    return undefined;
  }
  if (spec.suspend || spec.parallelism === 0)
    return active > 0 ? `runs ${active} pods though it should not` : undefined;
  // What runs makes room for those that wait when it ends.
  const isAtWork = pods.some((pod) => pod['spec'].nodeName && !isOver(pod) && !isGoing(pod));
  if (pods.some((pod) => isOver(pod) && pod.metadata.finalizers?.length)) return 'has not counted all its pods';
  const canWait = isStarved(ledger, pods) && !isAtWork && spec.activeDeadlineSeconds === undefined;
  return canWait ? undefined : 'is not finished';
};

const isHealthy = (pod: StoredObject) => !isOver(pod) && !isGoing(pod) && isReady(pod);

const budget: Check = (ledger, object) => {
  const labels = Object.entries(object['spec'].selector?.matchLabels ?? {});
  const pods = ledger
    .list('pods', object.metadata.namespace)
    .filter((pod) => labels.every(([key, value]) => pod.metadata.labels?.[key] === value));
  const healthy = pods.filter(isHealthy).length;
  const { status = {} } = object;
  // What nobody scales can not be counted, and the budget says so.
  const isUncountable = pods.some(({ metadata }) =>
    metadata.ownerReferences?.some(({ kind }: any) => kind === 'DaemonSet' || kind === 'Job'),
  );
  if (isUncountable && status.conditions?.[0]?.reason === 'SyncFailed') return undefined;
  if (status.currentHealthy !== healthy) return `says ${status.currentHealthy} of ${healthy} healthy`;
  const allowed = Math.max(0, healthy - status.desiredHealthy);
  if (status.expectedPods > 0 && status.disruptionsAllowed !== allowed)
    return `allows ${status.disruptionsAllowed} of ${allowed}`;
  return undefined;
};

const quota: Check = (ledger, object) => {
  const used = usage((resource) => ledger.list(resource, object.metadata.namespace));
  for (const name of Object.keys(object['spec'].hard)) {
    const said = object['status']?.used?.[name];
    if (said === undefined || limitOf(name, said) !== used[name]) return `says ${said} of ${used[name]} ${name}`;
  }
  return undefined;
};

const service: Check = (ledger, object) => {
  const selector = Object.entries(object['spec'].selector ?? {});
  const wanted = ledger
    .list('pods', object.metadata.namespace)
    .filter((pod) => selector.every(([key, value]) => pod.metadata.labels?.[key] === value) && isHealthy(pod))
    .map((pod) => pod['status'].podIP)
    .sort();
  const said = ledger
    .list('endpointslices', object.metadata.namespace)
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === object.metadata.name)
    .flatMap((slice) => slice['endpoints'] ?? [])
    .filter(({ conditions }: any) => conditions?.ready)
    .flatMap(({ addresses }: any) => addresses)
    .sort();
  return wanted.join() === said.join() ? undefined : `has endpoints ${said} of ${wanted}`;
};

/** The last failed pod of an index stays until another has taken over its count, which a Job may make none of. */
function waitsForSuccessor(ledger: Ledger, pod: StoredObject): boolean {
  const owner = ownerOf(pod);
  if (owner?.kind !== 'Job' || !isGoing(pod) || !isOver(pod)) return false;
  const found = ledger.list('jobs', pod.metadata.namespace).find(({ metadata }) => metadata.uid === owner.uid);
  const namespace = ledger.find('namespaces', pod.metadata.namespace ?? '');
  if (!found || !namespace || isGoing(namespace)) return false;
  const { suspend, parallelism, backoffLimitPerIndex } = found['spec'];
  return (suspend === true || parallelism === 0) && backoffLimitPerIndex !== undefined;
}

const checks: Record<string, Check> = {
  namespaces: namespaceGone,
  nodes: nodeReady,
  pods: podSettled,
  replicasets: replicas,
  replicationcontrollers: replicas,
  deployments: deployment,
  statefulsets: statefulSet,
  daemonsets: daemonSet,
  jobs: job,
  poddisruptionbudgets: budget,
  resourcequotas: quota,
  services: service,
};

export function notConverged(ledger: Ledger): string[] {
  const problems: string[] = [];
  for (const [resource, check] of Object.entries(checks)) {
    for (const object of ledger.list(resource)) {
      if (resource === 'pods' && waitsForSuccessor(ledger, object)) continue;
      const said = isGoing(object) && resource !== 'namespaces' ? 'is still going' : check(ledger, object);
      if (said) problems.push(`${resource} ${object.metadata.namespace ?? ''}/${object.metadata.name} ${said}`);
    }
  }
  return [...problems, ...orphans(ledger)];
}

/** Objects all of whose owners are gone. */
function orphans(ledger: Ledger): string[] {
  return ledger
    .everything()
    .filter(
      ({ metadata }) =>
        metadata?.ownerReferences?.length && !metadata.ownerReferences.some(({ uid }) => ledger.uids.has(uid)),
    )
    .map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name} has outlived its owners`);
}
