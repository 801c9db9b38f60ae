import type { Deployment, ReplicaSet } from '../../generated/apps-v1.ts';
import type { Pod } from '../../generated/core-v1.ts';
import { deploymentKind, podKind, replicaSetKind } from '../../generated/kinds.ts';
import { isEqual } from '../api/meta/equality.ts';
import { matchesSelector } from '../api/meta/labels.ts';
import { keyOf } from '../api/meta/object.ts';
import { controllerOf } from '../api/meta/owner-references.ts';
import type { ControllerContext, ControllerDefinition, KeyQueue } from '../reconcile/controller.ts';
import type { Informer } from '../reconcile/informer.ts';
import { Rollout } from './deployment/rollout.ts';
import { controlledBy, indexByController } from './shared/indexes.ts';
import { cachedSelector } from './shared/selector.ts';
import { WrittenVersions } from './shared/written-versions.ts';

const askAgainMs = 1000;

/** Rolls Deployments out: one ReplicaSet for each template, pods moved from the old to the new. */
export const deploymentController: ControllerDefinition = {
  name: 'deployment',
  setup(context, queue) {
    const deployments = context.informers.informer(deploymentKind);
    const sets = context.informers.informer(replicaSetKind);
    const pods = context.informers.informer(podKind);
    indexByController(sets);
    indexByController(pods);
    deployments.onChange({
      added: (deployment) => queue.add(keyOf(deployment)),
      updated: (deployment) => queue.add(keyOf(deployment)),
      deleted: (deployment) => queue.add(keyOf(deployment)),
    });
    watchSets(deployments, sets, queue);
    watchPods(deployments, sets, pods, queue);
    const recorder = context.recorder('deployment-controller');
    const parts = { context, queue, deployments, sets, pods, recorder, written: new WrittenVersions() };
    return {
      name: 'deployment',
      reconcile: (key, signal) => reconcile(parts, key, signal),
    };
  },
};

interface Parts {
  readonly context: ControllerContext;
  readonly queue: KeyQueue;
  readonly deployments: Informer<Deployment>;
  readonly sets: Informer<ReplicaSet>;
  readonly pods: Informer<Pod>;
  readonly recorder: ReturnType<ControllerContext['recorder']>;
  /** By Deployment: up to where the cache of sets has to be before it is believed. */
  readonly written: WrittenVersions;
}

async function reconcile(parts: Parts, key: string, signal: AbortSignal): Promise<void> {
  const { context, queue, sets, pods, recorder, written } = parts;
  const deployment = parts.deployments.find(key);
  if (!deployment) return written.forget(key);
  // Sets that are not counted would make room for pods that there is not.
  if (written.isBehind(key, sets.seenVersion)) return queue.addAfter(key, askAgainMs);
  const onWritten = (set: ReplicaSet) => written.wrote(key, set.metadata.resourceVersion);
  const rollout = new Rollout({ ...context, sets, pods, recorder, deployment, signal, onWritten });
  const recheckMs = await rollout.sync();
  if (recheckMs !== undefined) queue.addAfter(key, recheckMs + 1000);
}

/** The key of the Deployment that controls the set, if that very object is known. */
function ownerKey(deployments: Informer<Deployment>, set: ReplicaSet): string | undefined {
  const reference = controllerOf(set);
  if (reference?.kind !== deploymentKind.kind) return undefined;
  const key = `${set.metadata.namespace}/${reference.name}`;
  return deployments.find(key)?.metadata.uid === reference.uid ? key : undefined;
}

function watchSets(deployments: Informer<Deployment>, sets: Informer<ReplicaSet>, queue: KeyQueue): void {
  const addOwner = (set: ReplicaSet) => {
    const key = ownerKey(deployments, set);
    if (key) queue.add(key);
    return key;
  };
  const addInterested = (orphan: ReplicaSet) => {
    for (const deployment of deployments.list(orphan.metadata.namespace)) {
      const selector = cachedSelector(deployment.spec.selector);
      if (selector && matchesSelector(selector, orphan.metadata.labels)) queue.add(keyOf(deployment));
    }
  };
  sets.onChange({
    added: (set) => {
      if (!addOwner(set) && !controllerOf(set) && !set.metadata.deletionTimestamp) addInterested(set);
    },
    updated: (next, previous) => {
      const oldKey = addOwner(previous);
      if (addOwner(next) || controllerOf(next)) return;
      if (oldKey || !isEqual(next.metadata.labels, previous.metadata.labels)) addInterested(next);
    },
    deleted: addOwner,
  });
}

/** Recreate waits for the last old pod to be gone, which no ReplicaSet status tells. */
function watchPods(
  deployments: Informer<Deployment>,
  sets: Informer<ReplicaSet>,
  pods: Informer<Pod>,
  queue: KeyQueue,
): void {
  pods.onChange({
    deleted: (pod) => {
      const reference = controllerOf(pod);
      if (reference?.kind !== replicaSetKind.kind) return;
      const set = sets.find(`${pod.metadata.namespace}/${reference.name}`);
      const key = set && ownerKey(deployments, set);
      if (!key || deployments.find(key)?.spec.strategy?.type !== 'Recreate') return;
      if (controlledBy(pods, reference.uid).length === 0) queue.add(key);
    },
  });
}
