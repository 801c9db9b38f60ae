// Gives volumes to claims, and takes back what is claimed no longer.
import type { PersistentVolume, PersistentVolumeClaim } from '../../generated/core-v1.ts';
import { persistentVolumeClaimKind, persistentVolumeKind, podKind, storageClassKind } from '../../generated/kinds.ts';
import { isFinished } from '../api/core/pod-phase.ts';
import { claimClass, volumeAnnotations, volumeClass } from '../api/core/volume-match.ts';
import { keyOf } from '../api/meta/object.ts';
import { isConflict, isNotFound } from '../api/meta/status-error.ts';
import type { ControllerContext, ControllerDefinition, KeyQueue } from '../reconcile/controller.ts';
import { byClaim, claimKeysOf } from './shared/pods-by-claim.ts';
import { hostPathDeleter } from './volume-binder/host-path-deleter.ts';
import { localVolumes } from './volume-binder/local-volumes.ts';
import { Provisioning } from './volume-binder/provisioning.ts';
import { syncClaim } from './volume-binder/sync-claim.ts';
import { syncVolume } from './volume-binder/sync-volume.ts';
import { holderKey, Volumes } from './volume-binder/volumes.ts';

/** As upstream looks again at what is still open. */
const lookAgainMs = 15_000;
const openByClass = 'open-by-class';

const claimKey = (key: string) => `claim ${key}`;
const volumeKey = (key: string) => `volume ${key}`;

export const volumeBinderController: ControllerDefinition = {
  name: 'persistentvolume-binder',
  setup(context, queue) {
    const { client, informers } = context;
    const claims = informers.informer(persistentVolumeClaimKind);
    const volumeCache = informers.informer(persistentVolumeKind);
    const classes = informers.informer(storageClassKind);
    const pods = informers.informer(podKind);
    const recorder = context.recorder('persistentvolume-controller');
    const volumes = new Volumes({ client, recorder, claims, volumes: volumeCache, classes });
    watch(context, queue, volumes);
    const local = localVolumes(context);
    const provisioning = new Provisioning(volumes, client, [local]);
    const podsOf = (key: string) => pods.byIndex(byClaim, key).filter((pod) => !isFinished(pod));
    const claimSync = { volumes, provisioning, podsOf };
    const volumeSync = {
      volumes,
      deleters: [local, hostPathDeleter],
      askForClaim: (namespace: string, name: string) =>
        client.resource(persistentVolumeClaimKind).find({ namespace, name }),
      lookAtClaim: (key: string) => queue.add(claimKey(key)),
    };
    const lookAt = async (key: string, signal: AbortSignal) => {
      const [what, name] = key.split(' ') as [string, string];
      if (what === 'claim') {
        const claim = volumes.claims.find(name);
        if (claim && !(await syncClaim(claimSync, claim, signal))) queue.addAfter(key, lookAgainMs);
        return;
      }
      const volume = volumes.volumes.find(name);
      if (!volume) return;
      await syncVolume(volumeSync, volume, signal);
      if (volumes.volumes.find(name)?.status?.phase === 'Failed') queue.addAfter(key, lookAgainMs);
    };
    return {
      name: 'persistentvolume-binder',
      // One decision at a time: two claims must not be given the same volume.
      workers: 1,
      async reconcile(key, signal) {
        try {
          await lookAt(key, signal);
        } catch (error) {
          // Somebody wrote in between: the event brings the key back, or it is gone.
          if (!isConflict(error) && !isNotFound(error)) throw error;
          queue.addAfter(key, 100);
        }
      },
    };
  },
};

function watch({ informers }: ControllerContext, queue: KeyQueue, volumes: Volumes): void {
  const claims = informers.informer(persistentVolumeClaimKind);
  claims.addIndex(openByClass, (claim) => (isOpen(claim) ? [claimClass(claim)] : []));
  const lookAtOpen = (storageClass: string, matters = (_: PersistentVolumeClaim) => true) => {
    const open = claims.byIndex(openByClass, storageClass).filter(matters);
    for (const claim of open) queue.add(claimKey(keyOf(claim)));
  };
  const changedClaim = (claim: PersistentVolumeClaim) => queue.add(claimKey(keyOf(claim)));
  claims.onChange({
    added: changedClaim,
    updated: changedClaim,
    deleted: (claim) => {
      volumes.claims.forget(claim);
      if (claim.spec?.volumeName) queue.add(volumeKey(claim.spec.volumeName));
    },
  });
  /** For a claim that waits for a pod the scheduler chooses. */
  const choosesItself = (claim: PersistentVolumeClaim) =>
    Boolean(claim.spec?.volumeName) || volumes.classOf(claim)?.volumeBindingMode !== 'WaitForFirstConsumer';
  const changedVolume = (volume: PersistentVolume) => {
    queue.add(volumeKey(keyOf(volume)));
    const holder = holderKey(volume);
    if (holder) queue.add(claimKey(holder));
    else if (volume.status?.phase === 'Available') lookAtOpen(volumeClass(volume), choosesItself);
  };
  informers.informer(persistentVolumeKind).onChange({
    added: changedVolume,
    updated: changedVolume,
    deleted: (volume) => {
      volumes.volumes.forget(volume);
      const holder = holderKey(volume);
      if (holder) queue.add(claimKey(holder));
    },
  });
  informers.informer(storageClassKind).onChange({
    added: ({ metadata }) => {
      lookAtOpen(metadata.name);
      lookAtOpen('');
    },
    updated: () => lookAtOpen(''),
  });
  informers.informer(podKind).addIndex(byClaim, claimKeysOf);
}

const isOpen = ({ metadata }: PersistentVolumeClaim) =>
  metadata.annotations?.[volumeAnnotations.bindCompleted] === undefined;
