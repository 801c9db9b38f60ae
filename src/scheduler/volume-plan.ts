// What has to be done about a pod's claims before it can run on a node; pure.
import type { PersistentVolume, PersistentVolumeClaim } from '../../generated/core-v1.ts';
import type { CSIStorageCapacity, StorageClass } from '../../generated/storage-v1.ts';
import { matchesTerm } from '../api/core/node-match.ts';
import { claimClass, matchingVolume, volumeAnnotations } from '../api/core/volume-match.ts';
import { matchesSelector } from '../api/meta/labels.ts';
import { quantityOf, unitsOf } from '../api/meta/quantity.ts';
import { selectorOf } from '../api/meta/selectors.ts';
import type { NodeView } from './node-cache.ts';
import type { Storage } from './plugin.ts';

export interface VolumePlan {
  /** Claims that get a volume which is there. */
  readonly bind: readonly { readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume }[];
  /** Claims whose volume is to be made for this node. */
  readonly provision: readonly PersistentVolumeClaim[];
}

export function reaches(volume: PersistentVolume, node: NodeView): boolean {
  const required = volume.spec?.nodeAffinity?.required;
  return !required || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

const selectedNode = ({ metadata }: PersistentVolumeClaim) => metadata.annotations?.[volumeAnnotations.selectedNode];
const requestOf = ({ spec }: PersistentVolumeClaim) => unitsOf(spec?.resources?.requests?.['storage']);

const noVolume = "node(s) didn't find available persistent volumes to bind";
const noSpace = 'node(s) did not have enough free storage';

/** The claims wait for their pod. Undefined: on this node there is no way. */
export function planVolumes(
  claims: readonly PersistentVolumeClaim[],
  node: NodeView,
  storage: Storage,
): VolumePlan | undefined {
  const plan = planOrProblem(claims, node, storage);
  return typeof plan === 'string' ? undefined : plan;
}

/** A text: why on this node there is no way. */
export function planOrProblem(
  claims: readonly PersistentVolumeClaim[],
  node: NodeView,
  storage: Storage,
): VolumePlan | string {
  const bind: { claim: PersistentVolumeClaim; volume: PersistentVolume }[] = [];
  const provision: PersistentVolumeClaim[] = [];
  const taken = new Set(storage.taken?.());
  // Small ones first: a large volume is not spent on a small claim.
  for (const claim of [...claims].sort((one, other) => requestOf(one) - requestOf(other))) {
    const chosen = selectedNode(claim);
    if (chosen !== undefined && chosen !== node.name) return noVolume;
    const volume = chosen === undefined ? volumeFor(claim, node, storage, taken) : undefined;
    if (volume) {
      bind.push({ claim, volume });
      taken.add(volume.metadata.name);
      continue;
    }
    const storageClass = storage.storageClass(claimClass(claim));
    if (!canMake(storageClass, node)) return noVolume;
    if (!hasSpace(claim, storageClass!, node, storage)) return noSpace;
    provision.push(claim);
  }
  return { bind, provision };
}

function volumeFor(
  claim: PersistentVolumeClaim,
  node: NodeView,
  storage: Storage,
  taken: ReadonlySet<string>,
): PersistentVolume | undefined {
  const volumes = storage.volumes(claimClass(claim));
  return matchingVolume(claim, volumes, { taken, reaches: (volume) => reaches(volume, node) });
}

/** A class with a provisioner can make what is missing, where it may. */
function canMake(storageClass: StorageClass | undefined, node: NodeView): boolean {
  const provisioner = storageClass?.provisioner;
  if (!provisioner || provisioner === 'kubernetes.io/no-provisioner') return false;
  const allowed = storageClass.allowedTopologies;
  if (!allowed?.length) return true;
  return allowed.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => values.includes(node.labels[key] ?? '')),
  );
}

/** Room for the claim, where the driver tells how much there is; it may have said so of parts of the cluster alone. */
function hasSpace(claim: PersistentVolumeClaim, storageClass: StorageClass, node: NodeView, storage: Storage): boolean {
  const request = claim.spec?.resources?.requests?.['storage'];
  if (request === undefined || !storage.driver?.(storageClass.provisioner)?.spec.storageCapacity) return true;
  const wanted = quantityOf(request).units;
  const capacities = storage.capacities?.(storageClass.metadata.name) ?? [];
  return capacities.some((capacity) => {
    const limit = capacityLimit(capacity);
    if (limit === undefined || quantityOf(limit).units < wanted || !capacity.nodeTopology) return false;
    return matchesSelector(selectorOf(capacity.nodeTopology)!, node.labels);
  });
}

/** The largest volume there is room for, as far as is known. */
export const capacityLimit = ({ maximumVolumeSize, capacity }: CSIStorageCapacity): string | undefined =>
  maximumVolumeSize ?? capacity;
