// What only one pod can use at a time: claims for one pod alone, everywhere; disks of some kinds, on one node.
import type { Volume } from '../../../generated/core-v1.ts';
import type { NodeView } from '../node-cache.ts';
import { accepted, type Change, type NodeFilterPlugin, refused, type Storage } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';
import { usesClaim } from '../pod-volumes.ts';

const inUse = refused(
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
);
const diskInUse = refused('node(s) had no available disk');

export const volumeRestrictions: NodeFilterPlugin = {
  name: 'VolumeRestrictions',
  wokenBy: ['volumes', 'pod-gone', 'node-added'],
  isOfClaims: true,
  helps: (pod, change) => mayHelp(change, pod),
  prepare(pod, { storage, cache }) {
    const { claims, disks } = pod.volumes;
    const single = claims.filter(({ name }) => isForOnePod(storage, pod.namespace, name));
    if (single.length === 0 && disks.length === 0) return undefined;
    return (node) => {
      if (disks.length > 0 && hasConflict(disks, node)) return diskInUse;
      return single.some(({ key }) => cache.claimUsers.of(key) > 0) ? inUse : accepted;
    };
  },
};

const isForOnePod = (storage: Storage | undefined, namespace: string, name: string) =>
  storage?.claim(namespace, name)?.spec?.accessModes?.includes('ReadWriteOncePod') ?? false;

function hasConflict(disks: readonly Volume[], node: NodeView): boolean {
  for (const { volumes } of node.pods.values()) {
    if (volumes.disks.some((other) => disks.some((disk) => clash(disk, other)))) return true;
  }
  return false;
}

/** The same disk, and not both only read it. */
function clash(one: Volume, other: Volume): boolean {
  if (one.gcePersistentDisk && other.gcePersistentDisk) {
    const [disk, same] = [one.gcePersistentDisk, other.gcePersistentDisk];
    if (disk.pdName === same.pdName) return !(disk.readOnly && same.readOnly);
  }
  if (one.awsElasticBlockStore && other.awsElasticBlockStore) {
    return one.awsElasticBlockStore.volumeID === other.awsElasticBlockStore.volumeID;
  }
  if (one.iscsi && other.iscsi) {
    if (one.iscsi.iqn === other.iscsi.iqn) return !(one.iscsi.readOnly && other.iscsi.readOnly);
  }
  if (one.rbd && other.rbd) {
    const [image, same] = [one.rbd, other.rbd];
    const isSame = (image.pool ?? '') === (same.pool ?? '') && image.image === same.image;
    const isShared = isSame && image.monitors.some((monitor) => same.monitors.includes(monitor));
    return isShared && !(image.readOnly && same.readOnly);
  }
  return false;
}

function mayHelp({ type, pod: gone, stored }: Change, pod: PodView): boolean {
  if (stored) return stored.kind === 'claim' && usesClaim(pod.volumes, stored.key);
  if (type !== 'pod-gone' || !gone) return true;
  const { claims, disks } = gone.volumes;
  if (claims.some(({ key }) => usesClaim(pod.volumes, key))) return true;
  return disks.some((disk) => pod.volumes.disks.some((own) => clash(own, disk)));
}
