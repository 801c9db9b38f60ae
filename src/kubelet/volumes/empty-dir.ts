import { chmod, mkdir } from 'node:fs/promises';
import { bytesOf } from '../resources.ts';
import type { VolumeDriver } from './volume-driver.ts';

/** A folder that lives as long as the pod; on disk, or in memory. */
export const emptyDir: VolumeDriver = {
  field: 'emptyDir',
  name: 'empty-dir',
  async setUp({ volume, dir, services }) {
    const { medium, sizeLimit } = volume.emptyDir!;
    await mkdir(dir, { recursive: true });
    if (medium === 'Memory' && !(await services.mounter.mountsBelow(dir)).includes(dir))
      await services.mounter.mountTmpfs(dir, { mode: '0777', ...(sizeLimit ? { sizeBytes: bytesOf(sizeLimit) } : {}) });
    await chmod(dir, 0o777);
    return { hostPath: dir, isReadOnly: false, takesOwnership: true };
  },
};
