// Which volume a claim gets: what the volume controller and the scheduler have to agree on.
import type { PersistentVolume, PersistentVolumeClaim } from '../../../generated/core-v1.ts';
import { matchesSelector } from '../meta/labels.ts';
import { unitsOf } from '../meta/quantity.ts';
import { selectorOf } from '../meta/selectors.ts';

export const volumeAnnotations = {
  bindCompleted: 'pv.kubernetes.io/bind-completed',
  boundByController: 'pv.kubernetes.io/bound-by-controller',
  provisionedBy: 'pv.kubernetes.io/provisioned-by',
  selectedNode: 'volume.kubernetes.io/selected-node',
  provisioner: 'volume.kubernetes.io/storage-provisioner',
  betaProvisioner: 'volume.beta.kubernetes.io/storage-provisioner',
} as const;

const betaClass = 'volume.beta.kubernetes.io/storage-class';

/** '': none. The annotation is older than the field, and goes first. */
export const claimClass = ({ metadata, spec }: PersistentVolumeClaim): string =>
  metadata.annotations?.[betaClass] ?? spec?.storageClassName ?? '';

/** Whether the claim says anything about its class, if only that it wants none. */
export const hasClaimClass = ({ metadata, spec }: PersistentVolumeClaim): boolean =>
  metadata.annotations?.[betaClass] !== undefined || spec?.storageClassName !== undefined;

export const volumeClass = ({ metadata, spec }: PersistentVolume): string =>
  metadata.annotations?.[betaClass] ?? spec?.storageClassName ?? '';

/** The volume is kept for this claim: by name, and by uid once it has been bound. */
export function isKeptFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const holder = spec?.claimRef;
  if (holder?.name !== metadata.name || holder?.namespace !== metadata.namespace) return false;
  return !holder?.uid || holder.uid === metadata.uid;
}

export const hasSameMode = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  (volume.spec?.volumeMode ?? 'Filesystem') === (claim.spec?.volumeMode ?? 'Filesystem');

const capacityOf = ({ spec }: PersistentVolume): number => unitsOf(spec?.capacity?.['storage']);
const requestOf = ({ spec }: PersistentVolumeClaim): number => unitsOf(spec?.resources?.requests?.['storage']);
const modesOf = ({ spec }: PersistentVolume | PersistentVolumeClaim): readonly string[] => spec?.accessModes ?? [];

const offersModes = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  modesOf(claim).every((mode) => modesOf(volume).includes(mode));

const hasSameAttributes = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  (volume.spec?.volumeAttributesClassName ?? '') === (claim.spec?.volumeAttributesClassName ?? '');

/** Why a claim cannot have the volume it names; undefined: it can. */
export function mismatchOf(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (volume.metadata.deletionTimestamp)
    return `the volume is marked for deletion ${JSON.stringify(volume.metadata.name)}`;
  if (capacityOf(volume) < requestOf(claim)) return 'requested PV is too small';
  if (volumeClass(volume) !== claimClass(claim)) return 'storageClassName does not match';
  if (!hasSameAttributes(volume, claim)) return 'volumeAttributesClassName does not match';
  if (!hasSameMode(volume, claim)) return 'incompatible volumeMode';
  return offersModes(volume, claim) ? undefined : 'incompatible accessMode';
}

export interface MatchOptions {
  /** Only volumes kept for the claim: others are for whoever knows where the pod goes. */
  readonly keptOnly?: boolean;
  /** Whether the volume can be used where it is needed. */
  readonly reaches?: (volume: PersistentVolume) => boolean;
  /** Names of volumes that are promised already. */
  readonly taken?: ReadonlySet<string>;
}

/** The volume that is kept for the claim, else the smallest that will do. */
export function matchingVolume(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  { keptOnly = false, reaches = () => true, taken }: MatchOptions = {},
): PersistentVolume | undefined {
  const wanted = requestOf(claim);
  const selector = claim.spec?.selector && selectorOf(claim.spec.selector);
  let smallest: PersistentVolume | undefined;
  for (const volume of volumes) {
    const isKept = isKeptFor(volume, claim);
    if (taken?.has(volume.metadata.name) || (volume.spec?.claimRef && !isKept)) continue;
    if (volume.metadata.deletionTimestamp || capacityOf(volume) < wanted) continue;
    if (!hasSameMode(volume, claim) || !hasSameAttributes(volume, claim)) continue;
    if (isKept) return reaches(volume) ? volume : undefined;
    if (keptOnly || volume.status?.phase !== 'Available' || volumeClass(volume) !== claimClass(claim)) continue;
    if (selector && !matchesSelector(selector, volume.metadata.labels)) continue;
    if (!offersModes(volume, claim) || !reaches(volume)) continue;
    if (!smallest || capacityOf(volume) < capacityOf(smallest)) smallest = volume;
  }
  return smallest;
}

/** As `matchingVolume`; volumes that offer fewer access modes come first, however large they are. */
export function closestVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  options?: MatchOptions,
): PersistentVolume | undefined {
  const groups = Map.groupBy(
    volumes.filter((volume) => offersModes(volume, claim)),
    (volume) => modesOf(volume).length,
  );
  for (const [, group] of [...groups].sort(([one], [other]) => one - other)) {
    const found = matchingVolume(claim, group, options);
    if (found) return found;
  }
  return undefined;
}

/** The volume as it is when the claim has it; undefined: it is so already. */
export function boundVolume(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume | undefined {
  const { metadata } = claim;
  const holder = volume.spec?.claimRef;
  const isKept = isKeptFor(volume, claim);
  const isDone = isKept && holder?.uid === metadata.uid;
  const marked = volume.metadata.annotations?.[volumeAnnotations.boundByController] !== undefined;
  if (isDone) return undefined;
  const next = structuredClone(volume);
  next.spec!.claimRef = {
    kind: 'PersistentVolumeClaim',
    namespace: metadata.namespace!,
    name: metadata.name,
    uid: metadata.uid!,
    apiVersion: 'v1',
    resourceVersion: metadata.resourceVersion!,
  };
  if (!isKept && !marked) {
    next.metadata.annotations = { ...next.metadata.annotations, [volumeAnnotations.boundByController]: 'yes' };
  }
  return next;
}
