// Brings a claim nearer to a volume.
import type { PersistentVolumeClaim, Pod } from '../../../generated/core-v1.ts';
import {
  claimClass,
  closestVolume,
  hasClaimClass,
  isKeptFor,
  mismatchOf,
  volumeAnnotations,
} from '../../api/core/volume-match.ts';
import { defaultStorageClassMarks, markedDefault } from '../../api/meta/marked-default.ts';
import { keyOf } from '../../api/meta/object.ts';
import type { Provisioning } from './provisioning.ts';
import type { Volumes } from './volumes.ts';

export interface ClaimSync {
  readonly volumes: Volumes;
  readonly provisioning: Provisioning;
  /** Pods that use the claim and may still run. */
  podsOf(claimKey: string): readonly Pod[];
}

/** True: it is as good as it can be; false: a later look may find more. */
export async function syncClaim(sync: ClaimSync, claim: PersistentVolumeClaim, signal: AbortSignal): Promise<boolean> {
  const isBound = claim.metadata.annotations?.[volumeAnnotations.bindCompleted] !== undefined;
  if (isBound) await syncBound(sync.volumes, claim);
  else if (claim.spec?.volumeName) await syncNamed(sync.volumes, claim, claim.spec.volumeName);
  else return syncOpen(sync, claim, signal);
  return isBound;
}

async function syncBound(volumes: Volumes, claim: PersistentVolumeClaim): Promise<void> {
  const name = claim.spec?.volumeName;
  if (!name) {
    const message = 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!';
    return volumes.loseClaim(claim, 'ClaimLost', message);
  }
  const volume = volumes.volumes.find(name);
  if (!volume) {
    const message = 'Bound claim has lost its PersistentVolume. Data on the volume is lost!';
    return volumes.loseClaim(claim, 'ClaimLost', message);
  }
  const holder = volume.spec?.claimRef;
  if (!holder || holder.uid === claim.metadata.uid) return volumes.bind(volume, claim);
  const message = 'Two claims are bound to the same volume, this one is bound incorrectly';
  return volumes.loseClaim(claim, 'ClaimMisbound', message);
}

/** The claim says which volume it wants. */
async function syncNamed(volumes: Volumes, claim: PersistentVolumeClaim, name: string): Promise<void> {
  const volume = volumes.volumes.find(name);
  if (volume) {
    const isFree = !volume.spec?.claimRef;
    const problem = isFree ? mismatchOf(volume, claim) : undefined;
    if (problem !== undefined) {
      const message = `Cannot bind to requested volume ${JSON.stringify(name)}: ${problem}`;
      volumes.tellClaim(claim, 'Warning', 'VolumeMismatch', message);
    } else if (isFree || isKeptFor(volume, claim)) return volumes.bind(volume, claim);
    else {
      const message = `volume ${JSON.stringify(name)} already bound to a different claim.`;
      volumes.tellClaim(claim, 'Warning', 'FailedBinding', message);
    }
  }
  await volumes.setClaimPhase(claim, 'Pending');
}

async function syncOpen(sync: ClaimSync, claim: PersistentVolumeClaim, signal: AbortSignal): Promise<boolean> {
  const { volumes, provisioning } = sync;
  const isDelayed = volumes.classOf(claim)?.volumeBindingMode === 'WaitForFirstConsumer';
  const found = closestVolume(claim, volumes.candidates(claim), { keptOnly: isDelayed });
  if (found) {
    await volumes.bind(found, claim);
    return true;
  }
  if (await assignDefaultClass(volumes, claim)) return true;
  const hasNode = claim.metadata.annotations?.[volumeAnnotations.selectedNode] !== undefined;
  if (isDelayed && !hasNode) tellWaiting(sync, claim);
  else if (claimClass(claim) !== '') {
    await provisioning.provision(claim, signal);
    return false;
  } else {
    const message = 'no persistent volumes available for this claim and no storage class is set';
    volumes.tellClaim(claim, 'Normal', 'FailedBinding', message);
  }
  await volumes.setClaimPhase(claim, 'Pending');
  return false;
}

/** A claim that says nothing of its class gets the default one, also when that came later. */
async function assignDefaultClass(volumes: Volumes, claim: PersistentVolumeClaim): Promise<boolean> {
  if (hasClaimClass(claim)) return false;
  const storageClass = markedDefault(volumes.classes.list(), ...defaultStorageClassMarks);
  if (!storageClass) return false;
  const spec = { ...claim.spec, storageClassName: storageClass.metadata.name };
  await volumes.updateClaim({ ...claim, spec: spec as NonNullable<PersistentVolumeClaim['spec']> });
  return true;
}

function tellWaiting({ volumes, podsOf }: ClaimSync, claim: PersistentVolumeClaim): void {
  const names = podsOf(keyOf(claim))
    .filter(({ spec }) => !spec.nodeName)
    .map(({ metadata }) => metadata.name);
  if (names.length === 0) {
    const message = 'waiting for first consumer to be created before binding';
    volumes.tellClaim(claim, 'Normal', 'WaitForFirstConsumer', message);
    return;
  }
  const message = `waiting for ${names.length > 1 ? 'pods' : 'pod'} ${names.join(',')} to be scheduled`;
  volumes.tellClaim(claim, 'Normal', 'WaitForPodScheduled', message);
}
