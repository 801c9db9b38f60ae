// Limits of the disk that a pod may use for itself: of an emptyDir, of the pod, of a container.
import type { Pod } from '../../../generated/core-v1.ts';
import { podResources } from '../../api/core/effective-resources.ts';
import { Quantity, quantityOf } from '../../api/meta/quantity.ts';
import type { PodUsage } from './pod-usage.ts';

const storage = 'ephemeral-storage';

/** Whether any of this is limited: only then its folders are measured. */
export function hasStorageLimits({ spec }: Pod): boolean {
  return (
    spec.volumes?.some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined) === true ||
    [...spec.containers, ...(spec.initContainers ?? [])].some(
      ({ resources }) => resources?.limits?.[storage] !== undefined,
    )
  );
}

/** Which limit the pod is over, in upstream's words; undefined when it keeps to all of them. */
export function storageExcess(pod: Pod, usage: PodUsage, hasOwnImageDisk: boolean): string | undefined {
  return (
    emptyDirExcess(pod, usage) ?? podExcess(pod, usage, hasOwnImageDisk) ?? containerExcess(pod, usage, hasOwnImageDisk)
  );
}

const isOver = (used: number, limit: Quantity): boolean => Quantity.ofUnits(used).compare(limit) > 0;

function emptyDirExcess({ spec }: Pod, { volumes }: PodUsage): string | undefined {
  for (const { name, emptyDir } of spec.volumes ?? []) {
    const limit = quantityOf(emptyDir?.sizeLimit);
    if (limit.sign > 0 && isOver(volumes.get(name) ?? 0, limit))
      return `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `;
  }
  return undefined;
}

function podExcess({ spec }: Pod, { diskBytes, containers }: PodUsage, hasOwnImageDisk: boolean): string | undefined {
  const limit = podResources(spec, 'limits').get(storage);
  const elsewhere = hasOwnImageDisk ? containers.reduce((sum, { rootBytes }) => sum + rootBytes, 0) : 0;
  if (!limit || !isOver(diskBytes - elsewhere, limit)) return undefined;
  return `Pod ephemeral local storage usage exceeds the total limit of containers ${limit}. `;
}

function containerExcess({ spec }: Pod, { containers }: PodUsage, hasOwnImageDisk: boolean): string | undefined {
  for (const { name, logBytes, rootBytes } of containers) {
    const limit = quantityOf(spec.containers.find((each) => each.name === name)?.resources?.limits?.[storage]);
    const used = logBytes + (hasOwnImageDisk ? 0 : rootBytes);
    if (!limit.isZero && isOver(used, limit))
      return `Container ${name} exceeded its local ephemeral storage limit "${limit}". `;
  }
  return undefined;
}
