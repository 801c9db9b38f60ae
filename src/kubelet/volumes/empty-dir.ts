import { chmod, mkdir } from 'node:fs/promises';
import type { Pod } from '../../../generated/core-v1.ts';
import { bytesOf, podLinuxResources } from '../resources.ts';
import type { VolumeDriver } from './volume-driver.ts';

/** A folder that lives as long as the pod; on disk, in memory, or in huge pages. */
export const emptyDir: VolumeDriver = {
  field: 'emptyDir',
  name: 'empty-dir',
  async setUp({ pod, volume, dir, facts, services: { mounter }, signal }) {
    const { medium = '', sizeLimit } = volume.emptyDir!;
    await mkdir(dir, { recursive: true });
    const isMounted = medium !== '' && (await mounter.mountsBelow(dir)).includes(dir);
    if (medium === 'Memory' && !isMounted)
      await mounter.mountTmpfs(dir, {
        mode: '0777',
        sizeBytes: memoryFor(pod, facts.allocatable['memory'], sizeLimit),
      });
    if (medium.startsWith(hugePages) && !isMounted)
      await mounter.mount('hugetlbfs', 'nodev', dir, [`pagesize=${pageSize(pod, medium)}`], signal);
    await chmod(dir, 0o777);
    return { hostPath: dir, isReadOnly: false, takesOwnership: true };
  },
};

/** No more than the volume, the pod or all pods may have; 0 where none of them has a limit. */
function memoryFor(pod: Pod, allocatable: string | undefined, sizeLimit: string | undefined): number {
  const limits = [bytesOf(allocatable), podLinuxResources(pod.spec).memoryLimitInBytes ?? 0, bytesOf(sizeLimit)];
  const real = limits.filter((bytes) => bytes > 0);
  return real.length > 0 ? Math.min(...real) : 0;
}

const hugePages = 'HugePages';
const requestPrefix = 'hugepages-';

/** @throws in upstream's words where the pod asks for no such pages, or does not say which */
function pageSize({ spec }: Pod, medium: string): string {
  const sets = [spec, ...spec.containers, ...(spec.initContainers ?? [])].map(({ resources }) => resources?.requests);
  const asked = sets.flatMap((requests = {}) => Object.keys(requests).filter((name) => name.startsWith(requestPrefix)));
  const sizes = [...new Set(asked.map((name) => name.slice(requestPrefix.length)))];
  const wanted = medium.slice(`${hugePages}-`.length);
  if (!wanted && sizes.length > 1)
    throw new Error(`medium: ${medium} can't be used if container requests multiple huge page sizes`);
  const found = sizes.find((size) => !wanted || bytesOf(size) === bytesOf(wanted));
  if (found) return found;
  throw new Error(`medium ${medium}: hugePages storage requested, but there is no resource request for huge pages`);
}
