import type { PersistentVolume, PersistentVolumeClaim } from '../../generated/core-v1.ts';
import { persistentVolumeClaimKind, persistentVolumeKind, volumeAttributesClassKind } from '../../generated/kinds.ts';
import type { VolumeAttributesClass } from '../../generated/storage-v1.ts';
import { keyOf } from '../api/meta/object.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { removeFinalizer } from './shared/remove-finalizer.ts';

const finalizer = 'kubernetes.io/vac-protection';

/** Lets a deleted VolumeAttributesClass go once no claim and no volume names it. Admission puts the finalizer on. */
export const vacProtectionController: ControllerDefinition = {
  name: 'vac-protection',
  setup({ client, informers }, queue) {
    const classes = informers.informer(volumeAttributesClassKind);
    const claims = informers.informer(persistentVolumeClaimKind);
    const volumes = informers.informer(persistentVolumeKind);
    const add = (each: VolumeAttributesClass) => isLeaving(each) && queue.add(keyOf(each));
    const addLeaving = () => {
      for (const each of classes.list()) add(each);
    };
    classes.onChange({ added: add, updated: add });
    claims.onChange({ updated: addLeaving, deleted: addLeaving });
    volumes.onChange({ updated: addLeaving, deleted: addLeaving });
    const isUsed = (name: string) =>
      volumes.list().some(({ spec }: PersistentVolume) => spec?.volumeAttributesClassName === name) ||
      claims.list().some((claim) => namesOf(claim).includes(name));
    return {
      name: 'vac-protection',
      async reconcile(key) {
        const found = classes.find(key);
        if (!found || !isLeaving(found) || isUsed(found.metadata.name)) return;
        await removeFinalizer(client, volumeAttributesClassKind, found, finalizer);
      },
    };
  },
};

const isLeaving = ({ metadata }: VolumeAttributesClass) =>
  metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(finalizer);

/** The class a claim asks for, the one it has, the one it is on its way to. */
const namesOf = ({ spec, status }: PersistentVolumeClaim) => [
  spec?.volumeAttributesClassName,
  status?.currentVolumeAttributesClassName,
  status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
];
