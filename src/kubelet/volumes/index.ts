import { ephemeral, persistentVolumeClaim } from './claim.ts';
import { csi } from './csi.ts';
import { emptyDir } from './empty-dir.ts';
import { configMap, downwardApi, projected, secret } from './file-volumes.ts';
import { hostPath } from './host-path.ts';
import { iscsi } from './iscsi.ts';
import { nfs } from './nfs.ts';
import type { VolumeDriver } from './volume-driver.ts';

/** Every type of volume this node can mount. */
export const volumeDrivers: readonly VolumeDriver[] = [
  emptyDir,
  hostPath,
  configMap,
  secret,
  downwardApi,
  projected,
  nfs,
  iscsi,
  persistentVolumeClaim,
  ephemeral,
  csi,
];
