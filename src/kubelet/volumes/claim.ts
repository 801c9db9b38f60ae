import { dirname, join } from 'node:path';
import { ephemeralClaimName, whyNotThePods } from '../../api/core/ephemeral-claims.ts';
import { persistentSpec } from '../csi/volume-spec.ts';
import { ensureHostPath } from './host-path.ts';
import { mountNfs } from './nfs.ts';
import type { ReadyVolume, VolumeContext, VolumeDriver } from './volume-driver.ts';

/** A claim bound to a hostPath, local, NFS or iSCSI volume, or to one of a CSI driver. */
export const persistentVolumeClaim: VolumeDriver = {
  field: 'persistentVolumeClaim',
  name: 'local-volume',
  setUp: (context) =>
    setUpClaim(
      context,
      context.volume.persistentVolumeClaim!.claimName,
      context.volume.persistentVolumeClaim!.readOnly,
    ),
  refresh: ({ pod, volume, services }) => services.csi.refresh(pod, volume.name),
};

/** A claim made for this pod alone, named after both. */
export const ephemeral: VolumeDriver = {
  field: 'ephemeral',
  name: 'local-volume',
  setUp: (context) => setUpClaim(context, ephemeralClaimName(context.pod, context.volume), false),
  refresh: ({ pod, volume, services }) => services.csi.refresh(pod, volume.name),
};

async function setUpClaim(context: VolumeContext, claimName: string, isReadOnly = false): Promise<ReadyVolume> {
  const { pod, volume: podVolume, services, signal } = context;
  const claim = await services.claims.claim(pod.metadata.namespace!, claimName);
  if (!claim) throw new Error(`persistentvolumeclaim "${claimName}" not found`);
  const problem = podVolume.ephemeral && whyNotThePods(pod, claim);
  if (problem) throw new Error(problem);
  const volumeName = claim.spec.volumeName;
  if (!volumeName || claim.status?.phase !== 'Bound')
    throw new Error(`persistentvolumeclaim "${claimName}" is not bound`);
  const volume = await services.claims.volume(volumeName);
  if (!volume) throw new Error(`persistentvolume "${volumeName}" not found`);
  const { hostPath, local, csi, nfs, iscsi, mountOptions = [] } = volume.spec;
  if (csi) return services.csi.setUp(pod, persistentSpec(podVolume.name, volume, isReadOnly), signal);
  if (nfs) {
    const dir = join(dirname(dirname(context.dir)), 'kubernetes.io~nfs', volumeName);
    return mountNfs(services.mounter, { ...nfs, readOnly: nfs.readOnly || isReadOnly }, dir, mountOptions, signal);
  }
  if (iscsi) {
    const isBlock = volume.spec.volumeMode === 'Block';
    const isOnlyRead = iscsi.readOnly || isReadOnly;
    const request = {
      name: volumeName,
      podVolume: podVolume.name,
      source: iscsi,
      isReadOnly: isOnlyRead,
      isBlock,
      mountOptions,
    };
    return services.iscsi.setUp(pod, request, signal);
  }
  const path = hostPath?.path ?? local?.path;
  if (!path) throw new Error(`persistentvolume "${volumeName}" is of a type this node cannot mount`);
  if (local) await services.localVolumes.ensure(path);
  await ensureHostPath(path, hostPath?.type ?? (local ? 'Directory' : ''));
  return { hostPath: path, isReadOnly, takesOwnership: local !== undefined && !isReadOnly };
}
