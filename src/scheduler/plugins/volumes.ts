// Claims a pod uses: they exist, and their volumes can be reached from the node. Binding a claim that waits for its first
// consumer is for the volume controllers; here it is seen to that the pod goes where that will be possible.
import type { PersistentVolume, PersistentVolumeClaim } from '../../../generated/core-v1.ts';
import { matchesSelector } from '../../api/meta/labels.ts';
import { unitsOf } from '../../api/meta/quantity.ts';
import { selectorOf } from '../../api/meta/selectors.ts';
import type { NodeView } from '../node-cache.ts';
import { accepted, Blocked, type Filter, refused, refusedForGood, type Storage } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';
import { matchesTerm } from './node-selector-match.ts';

/** Names of the claims that the pod's volumes use. */
export function claimNames({ pod }: PodView): string[] {
  const names: string[] = [];
  for (const { name, persistentVolumeClaim, ephemeral } of pod.spec.volumes ?? []) {
    if (persistentVolumeClaim) names.push(persistentVolumeClaim.claimName);
    else if (ephemeral) names.push(`${pod.metadata.name}-${name}`);
  }
  return names;
}

function reaches(volume: PersistentVolume, node: NodeView): boolean {
  const required = volume.spec?.nodeAffinity?.required;
  return !required || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

function isWaitingForConsumer(claim: PersistentVolumeClaim, storage: Storage): boolean {
  return storage.storageClass(claim.spec?.storageClassName ?? '')?.volumeBindingMode === 'WaitForFirstConsumer';
}

/** A volume that nobody has, or that was kept for this claim, and that is what the claim asks for. */
function suits(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { spec, metadata } = volume;
  const holder = spec?.claimRef;
  const isKept = holder?.namespace === claim.metadata.namespace && holder?.name === claim.metadata.name;
  if (holder && !isKept) return false;
  if (metadata.deletionTimestamp || (spec?.volumeMode ?? 'Filesystem') !== (claim.spec?.volumeMode ?? 'Filesystem')) {
    return false;
  }
  const wanted = unitsOf(claim.spec?.resources?.requests?.storage ?? '0');
  if (unitsOf(spec?.capacity?.storage ?? '0') < wanted) return false;
  if (!(claim.spec?.accessModes ?? []).every((mode) => spec?.accessModes?.includes(mode))) return false;
  const selector = claim.spec?.selector;
  return !selector || matchesSelector(selectorOf(selector) ?? [], metadata.labels);
}

/** A class with a provisioner can make what is missing. */
function mayProvision(claim: PersistentVolumeClaim, storage: Storage): boolean {
  const provisioner = storage.storageClass(claim.spec?.storageClassName ?? '')?.provisioner;
  return provisioner !== undefined && provisioner !== 'kubernetes.io/no-provisioner';
}

function missing({ pod }: PodView, name: string): string {
  const isMade = pod.spec.volumes?.some((each) => each.ephemeral && `${pod.metadata.name}-${each.name}` === name);
  if (!isMade) return `persistentvolumeclaim "${name}" not found`;
  return `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`;
}

function whyUnusable({ metadata, spec, status }: PersistentVolumeClaim): string | undefined {
  const what = `persistentvolumeclaim "${metadata.name}"`;
  if (status?.phase === 'Lost') return `${what} bound to non-existent persistentvolume "${spec?.volumeName}"`;
  return metadata.deletionTimestamp ? `${what} is being deleted` : undefined;
}

export const volumeBinding: Filter = {
  name: 'VolumeBinding',
  wokenBy: ['volumes', 'node-added', 'node-labels'],
  prepare(pod, { storage }) {
    const names = pod.pod.spec.volumes?.length ? claimNames(pod) : [];
    if (names.length === 0 || !storage) return undefined;
    const bound: PersistentVolume[] = [];
    const waiting: PersistentVolumeClaim[] = [];
    for (const name of names) {
      const claim = storage.claim(pod.namespace, name);
      if (!claim) return new Blocked(missing(pod, name));
      const problem = whyUnusable(claim);
      if (problem) return new Blocked(problem);
      const volume = claim.spec?.volumeName ? storage.volume(claim.spec.volumeName) : undefined;
      if (volume && claim.metadata.annotations?.['pv.kubernetes.io/bind-completed']) bound.push(volume);
      else if (isWaitingForConsumer(claim, storage) && !claim.spec?.volumeName) waiting.push(claim);
      else return new Blocked('pod has unbound immediate PersistentVolumeClaims');
    }
    return (node) => {
      if (!bound.every((volume) => reaches(volume, node))) {
        return refusedForGood("node(s) didn't match PersistentVolume's node affinity");
      }
      for (const claim of waiting) {
        const volumes = storage.volumes(claim.spec?.storageClassName ?? '');
        const isThere = volumes.some((volume) => suits(volume, claim) && reaches(volume, node));
        if (!isThere && !mayProvision(claim, storage)) {
          return refusedForGood("node(s) didn't find available persistent volumes to bind");
        }
      }
      return accepted;
    };
  },
};

/** A claim for one pod alone is in use by one at most. */
export const volumeRestrictions: Filter = {
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
