// Brings a volume's phase to what its claim makes of it, and gives back what nobody claims any more.
import type { PersistentVolume, PersistentVolumeClaim } from '../../../generated/core-v1.ts';
import { hasSameMode, volumeAnnotations } from '../../api/core/volume-match.ts';
import type { Deleter } from './provisioner.ts';
import { holderKey, type Volumes } from './volumes.ts';

export interface VolumeSync {
  readonly volumes: Volumes;
  readonly deleters: readonly Deleter[];
  /** The claim as the server has it now: the cache may not have heard of a new one yet. */
  askForClaim(namespace: string, name: string): Promise<PersistentVolumeClaim | undefined>;
  lookAtClaim(key: string): void;
}

export async function syncVolume(sync: VolumeSync, volume: PersistentVolume, signal: AbortSignal): Promise<void> {
  const { volumes } = sync;
  if (!volume.spec?.claimRef?.uid) {
    await volumes.setPhase(volume, 'Available');
    return;
  }
  const claim = await holderOf(sync, volume);
  if (!claim) return release(sync, volume, signal);
  const bound = claim.spec?.volumeName;
  if (!bound) return awaitClaim(sync, volume, claim);
  if (bound === volume.metadata.name) {
    await volumes.setPhase(volume, 'Bound');
    return;
  }
  const wasMade = volume.metadata.annotations?.[volumeAnnotations.provisionedBy] !== undefined;
  if (wasMade && volume.spec.persistentVolumeReclaimPolicy === 'Delete') return release(sync, volume, signal);
  await volumes.unbind(volume);
}

const isReleased = ({ status }: PersistentVolume) => status?.phase === 'Released' || status?.phase === 'Failed';

/** The claim that has the volume; one of the same name that came later does not. */
async function holderOf(sync: VolumeSync, volume: PersistentVolume): Promise<PersistentVolumeClaim | undefined> {
  const { namespace = '', name = '', uid } = volume.spec!.claimRef!;
  const known = sync.volumes.claims.find(holderKey(volume)!);
  if (known?.metadata.uid === uid) return known;
  if (!known && isReleased(volume)) return undefined;
  const claim = await sync.askForClaim(namespace, name);
  return claim?.metadata.uid === uid ? claim : undefined;
}

/** The volume was given, and the claim does not know yet. */
function awaitClaim(
  { volumes, lookAtClaim }: VolumeSync,
  volume: PersistentVolume,
  claim: PersistentVolumeClaim,
): void {
  if (hasSameMode(volume, claim)) {
    lookAtClaim(holderKey(volume)!);
    return;
  }
  const claimName = JSON.stringify(claim.metadata.name);
  const volumeName = JSON.stringify(volume.metadata.name);
  const why = 'due to incompatible volumeMode.';
  const toClaim = `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${claimName} ${why}`;
  volumes.tellVolume(volume, 'Warning', 'VolumeMismatch', toClaim);
  const toVolume = `Cannot bind PersistentVolume ${volumeName} to requested PersistentVolumeClaim ${why}`;
  volumes.tellClaim(claim, 'Warning', 'VolumeMismatch', toVolume);
}

async function release(sync: VolumeSync, volume: PersistentVolume, signal: AbortSignal): Promise<void> {
  const { volumes } = sync;
  const released = isReleased(volume) ? volume : await volumes.setPhase(volume, 'Released');
  switch (released.spec?.persistentVolumeReclaimPolicy) {
    case 'Retain':
      return;
    case 'Delete':
      return remove(sync, released, signal);
    case 'Recycle':
      return volumes.fail(released, 'VolumeFailedRecycle', 'No recycler plugin found for the volume!');
    default: {
      const message = 'Volume has unrecognized PersistentVolumeReclaimPolicy';
      return volumes.fail(released, 'VolumeUnknownReclaimPolicy', message);
    }
  }
}

/** Sources whose driver knows of them, but not how to delete one. */
const knownSources = ['nfs', 'iscsi', 'fc'] as const;

/** Undefined: whoever made it elsewhere deletes it. @throws Error when nobody can */
function deleterOf({ deleters }: VolumeSync, volume: PersistentVolume): Deleter | undefined {
  const { metadata, spec } = volume;
  const maker = metadata.annotations?.[volumeAnnotations.provisionedBy];
  if (maker) {
    const own = deleters.find(({ name }) => name === maker);
    if (own || !maker.startsWith('kubernetes.io/')) return own;
    throw new Error(`no volume plugin matched name: ${maker}`);
  }
  if (spec?.csi) return undefined;
  const deleter = deleters.find((each) => each.deletes(volume));
  if (deleter) return deleter;
  const why = knownSources.some((source) => spec?.[source])
    ? 'no deletable volume plugin matched'
    : 'no volume plugin matched';
  throw new Error(`error getting deleter volume plugin for volume ${JSON.stringify(metadata.name)}: ${why}`);
}

async function remove(sync: VolumeSync, volume: PersistentVolume, signal: AbortSignal): Promise<void> {
  const { volumes } = sync;
  try {
    const deleter = deleterOf(sync, volume);
    if (!deleter) return;
    await deleter.delete(volume, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    return volumes.fail(volume, 'VolumeFailedDelete', (error as Error).message);
  }
  await volumes.deleteVolume(volume);
}
