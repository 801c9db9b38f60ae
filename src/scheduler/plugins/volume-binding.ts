// Claims a pod uses: they exist, and their volumes can be reached from the node. A claim that waits for its first
// consumer is given its volume here, before the pod is bound (volume-bindings.ts).
import type { PersistentVolume, PersistentVolumeClaim } from '../../../generated/core-v1.ts';
import { whyNotThePods } from '../../api/core/ephemeral-claims.ts';
import { claimClass, volumeAnnotations } from '../../api/core/volume-match.ts';
import { unitsOf } from '../../api/meta/quantity.ts';
import type { NodeView } from '../node-cache.ts';
import {
  accepted,
  Blocked,
  type NodeFilterPlugin,
  refusedForGood,
  type Storage,
  type StorageChange,
} from '../plugin.ts';
import type { PodView } from '../pod-view.ts';
import { type ClaimUse, type PodVolumes, usesClaim } from '../pod-volumes.ts';
import { capacityLimit, planOrProblem, planVolumes, reaches, type VolumePlan } from '../volume-plan.ts';

function isWaitingForConsumer(claim: PersistentVolumeClaim, storage: Storage): boolean {
  return storage.storageClass(claimClass(claim))?.volumeBindingMode === 'WaitForFirstConsumer';
}

function missing({ name, isEphemeral }: ClaimUse): string {
  if (!isEphemeral) return `persistentvolumeclaim "${name}" not found`;
  return `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`;
}

function whyUnusable({ metadata, spec, status }: PersistentVolumeClaim): string | undefined {
  const what = `persistentvolumeclaim "${metadata.name}"`;
  if (status?.phase === 'Lost') return `${what} bound to non-existent persistentvolume "${spec?.volumeName}"`;
  return metadata.deletionTimestamp ? `${what} is being deleted` : undefined;
}

/** The pod's claims: what they are bound to, and those that wait for the pod to have a node. */
interface PodClaims {
  readonly bound: readonly PersistentVolume[];
  /** A claim is bound to a volume that is not there. */
  readonly isLost: boolean;
  readonly waiting: readonly PersistentVolumeClaim[];
}

function claimsOf(pod: PodView, storage: Storage): PodClaims | Blocked {
  const bound: PersistentVolume[] = [];
  const waiting: PersistentVolumeClaim[] = [];
  let isLost = false;
  for (const use of pod.volumes.claims) {
    const claim = storage.claim(pod.namespace, use.name);
    if (!claim) return new Blocked(missing(use));
    const problem = whyUnusable(claim) ?? (use.isEphemeral ? whyNotThePods(pod.pod, claim) : undefined);
    if (problem) return new Blocked(problem);
    const volumeName = claim.spec?.volumeName;
    if (volumeName && claim.metadata.annotations?.[volumeAnnotations.bindCompleted] !== undefined) {
      const volume = storage.volume(volumeName);
      if (volume) bound.push(volume);
      else isLost = true;
    } else if (isWaitingForConsumer(claim, storage) && !volumeName) waiting.push(claim);
    else return new Blocked('pod has unbound immediate PersistentVolumeClaims');
  }
  return { bound, isLost, waiting };
}

/** What has to be done before the pod can run on the node it was given; undefined: nothing. */
export function volumesToBind(pod: PodView, node: NodeView, storage: Storage | undefined): VolumePlan | undefined {
  if (!storage || pod.volumes.claims.length === 0) return undefined;
  const claims = claimsOf(pod, storage);
  if (claims instanceof Blocked || claims.waiting.length === 0) return undefined;
  return planVolumes(claims.waiting, node, storage);
}

export const volumeBinding: NodeFilterPlugin = {
  name: 'VolumeBinding',
  wokenBy: ['volumes', 'node-added', 'node-labels'],
  isOfClaims: true,
  helps: ({ volumes }, { stored }) => mayHelp(stored, volumes),
  prepare(pod, { storage }) {
    if (!storage || pod.volumes.claims.length === 0) return undefined;
    const claims = claimsOf(pod, storage);
    if (claims instanceof Blocked) return claims;
    const { bound, isLost, waiting } = claims;
    return (node) => {
      if (isLost) return refusedForGood('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)');
      if (!bound.every((volume) => reaches(volume, node))) {
        return refusedForGood("node(s) didn't match PersistentVolume's node affinity");
      }
      const plan = waiting.length > 0 ? planOrProblem(waiting, node, storage) : undefined;
      return typeof plan === 'string' ? refusedForGood(plan) : accepted;
    };
  },
};

/** What is attached where says nothing about which volume a claim gets. */
function mayHelp(stored: StorageChange | undefined, volumes: PodVolumes): boolean {
  if (stored?.kind === 'claim') return usesClaim(volumes, stored.key);
  if (stored?.kind === 'capacity') return volumes.claims.length > 0 && hasGrown(stored);
  if (stored?.kind === 'driver')
    return stored.previous?.spec.storageCapacity === true && !stored.object.spec.storageCapacity;
  return stored?.kind !== 'csi-node' && stored?.kind !== 'attachment';
}

function hasGrown({ object, previous }: Extract<StorageChange, { kind: 'capacity' }>): boolean {
  return !previous || unitsOf(capacityLimit(object)) > unitsOf(capacityLimit(previous));
}
