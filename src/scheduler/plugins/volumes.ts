// Claims a pod uses: they exist, and their volumes can be reached from the node. A claim that waits for its first
// consumer is given its volume here, before the pod is bound (volume-bindings.ts).
import type { PersistentVolume, PersistentVolumeClaim } from '../../../generated/core-v1.ts';
import { ephemeralClaimName, whyNotThePods } from '../../api/core/ephemeral-claims.ts';
import { claimClass, volumeAnnotations } from '../../api/core/volume-match.ts';
import type { NodeView } from '../node-cache.ts';
import { accepted, Blocked, type NodeFilterPlugin, refused, refusedForGood, type Storage } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';
import { planVolumes, reaches, type VolumePlan } from '../volume-plan.ts';

/** Names of the claims that the pod's volumes use. */
export function claimNames({ pod }: PodView): string[] {
  const names: string[] = [];
  for (const volume of pod.spec.volumes ?? []) {
    if (volume.persistentVolumeClaim) names.push(volume.persistentVolumeClaim.claimName);
    else if (volume.ephemeral) names.push(ephemeralClaimName(pod, volume));
  }
  return names;
}

function isWaitingForConsumer(claim: PersistentVolumeClaim, storage: Storage): boolean {
  return storage.storageClass(claimClass(claim))?.volumeBindingMode === 'WaitForFirstConsumer';
}

const isEphemeral = ({ pod }: PodView, name: string): boolean =>
  pod.spec.volumes?.some((each) => each.ephemeral && ephemeralClaimName(pod, each) === name) ?? false;

function missing(pod: PodView, name: string): string {
  if (!isEphemeral(pod, name)) return `persistentvolumeclaim "${name}" not found`;
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
  for (const name of claimNames(pod)) {
    const claim = storage.claim(pod.namespace, name);
    if (!claim) return new Blocked(missing(pod, name));
    const problem = whyUnusable(claim) ?? (isEphemeral(pod, name) ? whyNotThePods(pod.pod, claim) : undefined);
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
  if (!storage || !pod.pod.spec.volumes?.length) return undefined;
  const claims = claimsOf(pod, storage);
  if (claims instanceof Blocked || claims.waiting.length === 0) return undefined;
  return planVolumes(claims.waiting, node, storage);
}

export const volumeBinding: NodeFilterPlugin = {
  name: 'VolumeBinding',
  wokenBy: ['volumes', 'node-added', 'node-labels'],
  prepare(pod, { storage }) {
    if (!storage || !pod.pod.spec.volumes?.length || claimNames(pod).length === 0) return undefined;
    const claims = claimsOf(pod, storage);
    if (claims instanceof Blocked) return claims;
    const { bound, isLost, waiting } = claims;
    return (node) => {
      if (isLost) return refusedForGood('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)');
      if (!bound.every((volume) => reaches(volume, node))) {
        return refusedForGood("node(s) didn't match PersistentVolume's node affinity");
      }
      if (waiting.length === 0 || planVolumes(waiting, node, storage)) return accepted;
      return refusedForGood("node(s) didn't find available persistent volumes to bind");
    };
  },
};

/** A claim for one pod alone is in use by one at most. */
export const volumeRestrictions: NodeFilterPlugin = {
  name: 'VolumeRestrictions',
  wokenBy: ['volumes', 'pod-gone'],
  prepare(pod, { storage, nodes }) {
    const names = pod.pod.spec.volumes?.length ? claimNames(pod) : [];
    const single = names.filter((name) =>
      storage?.claim(pod.namespace, name)?.spec?.accessModes?.includes('ReadWriteOncePod'),
    );
    if (single.length === 0) return undefined;
    const holders = new Set<NodeView['name']>();
    const uses = (other: PodView) =>
      other.namespace === pod.namespace && claimNames(other).some((name) => single.includes(name));
    for (const node of nodes) for (const other of node.pods.values()) if (uses(other)) holders.add(node.name);
    return () =>
      holders.size > 0
        ? refused(
            'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
          )
        : accepted;
  },
};
