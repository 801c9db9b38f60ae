import type { PersistentVolume } from '../../generated/core-v1.ts';
import { persistentVolumeClaimKind, persistentVolumeKind, storageClassKind } from '../../generated/kinds.ts';
import { volumeClass } from '../api/core/volume-match.ts';
import type { InformerFactory } from '../reconcile/informer.ts';
import type { Storage } from './plugin.ts';

const byClass = 'storage-class';

/** Claims, volumes and their classes, as they are now; `changed` is told when a pod may profit. */
export function watchStorage(informers: InformerFactory, changed: () => void): Storage {
  const claims = informers.informer(persistentVolumeClaimKind);
  const volumes = informers.informer<PersistentVolume>(persistentVolumeKind);
  const classes = informers.informer(storageClassKind);
  volumes.addIndex(byClass, (volume) => [volumeClass(volume)]);
  for (const informer of [claims, volumes, classes]) informer.onChange({ added: changed, updated: changed });
  return {
    claim: (namespace, name) => claims.find(`${namespace}/${name}`),
    volume: (name) => volumes.find(name),
    volumes: (storageClass) => volumes.byIndex(byClass, storageClass),
    storageClass: (name) => classes.find(name),
  };
}
