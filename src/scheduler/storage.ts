import type { PersistentVolume } from '../../generated/core-v1.ts';
import {
  csiDriverKind,
  csiNodeKind,
  csiStorageCapacityKind,
  persistentVolumeClaimKind,
  persistentVolumeKind,
  storageClassKind,
  volumeAttachmentKind,
} from '../../generated/kinds.ts';
import type { CSIStorageCapacity, VolumeAttachment } from '../../generated/storage-v1.ts';
import { volumeClass } from '../api/core/volume-match.ts';
import { keyOf } from '../api/meta/object.ts';
import type { InformerFactory } from '../reconcile/informer.ts';
import type { Storage, StorageChange } from './plugin.ts';

const byClass = 'storage-class';
const byNode = 'node';

/** Claims, volumes and what is said of them, as they are now; `changed` is told when a pod may profit. */
export function watchStorage(informers: InformerFactory, changed: (change: StorageChange) => void): Storage {
  const claims = informers.informer(persistentVolumeClaimKind);
  const volumes = informers.informer<PersistentVolume>(persistentVolumeKind);
  const classes = informers.informer(storageClassKind);
  const csiNodes = informers.informer(csiNodeKind);
  const attachments = informers.informer<VolumeAttachment>(volumeAttachmentKind);
  const drivers = informers.informer(csiDriverKind);
  const capacities = informers.informer<CSIStorageCapacity>(csiStorageCapacityKind);
  volumes.addIndex(byClass, (volume) => [volumeClass(volume)]);
  attachments.addIndex(byNode, ({ spec }) => [spec.nodeName]);
  claims.onChange({
    added: (claim) => changed({ kind: 'claim', key: keyOf(claim) }),
    updated: (claim) => changed({ kind: 'claim', key: keyOf(claim) }),
  });
  volumes.onChange({
    added: (object) => changed({ kind: 'volume', object }),
    updated: (object, previous) => changed({ kind: 'volume', object, previous }),
  });
  classes.onChange({
    added: (object) => changed({ kind: 'class', object }),
    updated: (object, previous) => changed({ kind: 'class', object, previous }),
  });
  csiNodes.onChange({
    added: (object) => changed({ kind: 'csi-node', object }),
    updated: (object, previous) => changed({ kind: 'csi-node', object, previous }),
  });
  capacities.addIndex(byClass, ({ storageClassName }) => [storageClassName]);
  drivers.onChange({
    updated: (object, previous) => changed({ kind: 'driver', object, previous }),
  });
  capacities.onChange({
    added: (object) => changed({ kind: 'capacity', object }),
    updated: (object, previous) => changed({ kind: 'capacity', object, previous }),
  });
  attachments.onChange({ deleted: () => changed({ kind: 'attachment' }) });
  return {
    claim: (namespace, name) => claims.find(`${namespace}/${name}`),
    volume: (name) => volumes.find(name),
    volumes: (storageClass) => volumes.byIndex(byClass, storageClass),
    storageClass: (name) => classes.find(name),
    csiNode: (node) => csiNodes.find(node),
    driver: (name) => drivers.find(name),
    capacities: (storageClass) => capacities.byIndex(byClass, storageClass),
    attachmentsTo: (node) => attachments.byIndex(byNode, node),
  };
}
