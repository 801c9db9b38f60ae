// Volumes say by labels in which zone and region they are: the pod goes to a node there.
import type { PersistentVolume } from '../../../generated/core-v1.ts';
import { claimClass } from '../../api/core/volume-match.ts';
import { isEqual } from '../../api/meta/equality.ts';
import type { NodeView } from '../node-cache.ts';
import { accepted, Blocked, type Change, type NodeFilterPlugin, refusedForGood, type Storage } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';
import { type ClaimUse, usesClaim } from '../pod-volumes.ts';

/** Labels of volumes and nodes, and what nodes call them now. */
const currentNames: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region': 'topology.kubernetes.io/region',
};
const labels = Object.keys(currentNames);

interface Place {
  readonly label: string;
  readonly values: readonly string[];
}

const elsewhere = refusedForGood('node(s) had no available volume zone');

export const volumeZone: NodeFilterPlugin = {
  name: 'VolumeZone',
  wokenBy: ['volumes', 'node-added', 'node-labels'],
  isOfClaims: true,
  helps: (pod, change) => mayHelp(change, pod),
  prepare(pod, { storage }) {
    if (!storage) return undefined;
    const places: Place[] = [];
    for (const use of pod.volumes.claims) {
      const volume = use.isEphemeral ? undefined : boundTo(pod, use, storage);
      if (volume instanceof Blocked) return volume;
      if (volume) places.push(...placesOf(volume));
    }
    if (places.length === 0) return undefined;
    return (node) => (isSomewhere(node) && !places.every((place) => isIn(node, place)) ? elsewhere : accepted);
  },
};

/** Undefined: it has none yet, and waits for the pod to have a node. */
function boundTo(pod: PodView, { name }: ClaimUse, storage: Storage): PersistentVolume | Blocked | undefined {
  const claim = storage.claim(pod.namespace, name);
  if (!claim) return new Blocked(`persistentvolumeclaim "${name}" not found`);
  const { volumeName } = claim.spec ?? {};
  if (volumeName) return storage.volume(volumeName) ?? new Blocked(`persistentvolume "${volumeName}" not found`);
  const className = claimClass(claim);
  if (!className) return new Blocked('PersistentVolumeClaim had no pv name and storageClass name');
  const storageClass = storage.storageClass(className);
  if (!storageClass) return new Blocked(`storageclass.storage.k8s.io "${className}" not found`);
  if (storageClass.volumeBindingMode === 'WaitForFirstConsumer') return undefined;
  return new Blocked('PersistentVolume had no name');
}

/** A label may name several zones: `a__b`. One that names an empty zone is ignored. */
function placesOf({ metadata }: PersistentVolume): Place[] {
  return labels.flatMap((label) => {
    const value = metadata.labels?.[label];
    const values = value?.split('__').map((each) => each.trim()) ?? [''];
    return values.includes('') ? [] : [{ label, values }];
  });
}

/** Nodes that do not say where they are will do. */
const isSomewhere = ({ labels: own }: NodeView) => labels.some((label) => own[label] !== undefined);

function isIn({ labels: own }: NodeView, { label, values }: Place): boolean {
  const value = own[label] ?? own[currentNames[label]!];
  return value !== undefined && values.includes(value);
}

function mayHelp({ stored }: Change, pod: PodView): boolean {
  if (stored?.kind === 'claim') return usesClaim(pod.volumes, stored.key);
  if (stored?.kind === 'class') {
    return !stored.previous && stored.object.volumeBindingMode === 'WaitForFirstConsumer';
  }
  if (stored?.kind === 'volume') {
    return !stored.previous || !isEqual(placesOf(stored.object), placesOf(stored.previous));
  }
  return stored === undefined;
}
