import type { PersistentVolume } from '../../generated/core-v1.ts';
import { persistentVolumeKind } from '../../generated/kinds.ts';
import { keyOf } from '../api/meta/object.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { addFinalizer, removeFinalizer } from './shared/remove-finalizer.ts';

const finalizer = 'kubernetes.io/pv-protection';

/** Lets a deleted volume go once no claim is bound to it. Admission puts the finalizer on; who takes it away gets it back. */
export const pvProtectionController: ControllerDefinition = {
  name: 'pv-protection',
  setup({ client, informers }, queue) {
    const volumes = informers.informer(persistentVolumeKind);
    const add = (volume: PersistentVolume) => (isFree(volume) || isBare(volume)) && queue.add(keyOf(volume));
    volumes.onChange({ added: add, updated: add });
    return {
      name: 'pv-protection',
      async reconcile(key) {
        const volume = volumes.find(key);
        if (!volume) return;
        if (isBare(volume)) await addFinalizer(client, persistentVolumeKind, volume, finalizer);
        else if (isFree(volume)) await removeFinalizer(client, persistentVolumeKind, volume, finalizer);
      },
    };
  },
};

const isFree = ({ metadata, status }: PersistentVolume) =>
  metadata.deletionTimestamp !== undefined &&
  (metadata.finalizers ?? []).includes(finalizer) &&
  status?.phase !== 'Bound';

const isBare = ({ metadata }: PersistentVolume) =>
  metadata.deletionTimestamp === undefined && !(metadata.finalizers ?? []).includes(finalizer);
