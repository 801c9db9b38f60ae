// Read-only mounts with what is mounted below them: the runtime has to be able to make them.
import type { Pod, VolumeMount } from '../../../generated/core-v1.ts';
import type { PodServices } from './pod-services.ts';

const asks = ({ recursiveReadOnly = 'Disabled' }: VolumeMount) => recursiveReadOnly !== 'Disabled';

/** Asks the runtime only for pods that want one. @throws while it cannot be asked */
export async function canMountRecursively(
  { runtime, runtimeHandler }: Pick<PodServices, 'runtime' | 'runtimeHandler'>,
  { spec }: Pod,
): Promise<boolean> {
  const containers = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
  if (!containers.some(({ volumeMounts = [] }) => volumeMounts.some(asks))) return false;
  const handler = spec.runtimeClassName ? await runtimeHandler(spec.runtimeClassName) : '';
  const { handlers } = await runtime.features();
  return handlers.some(({ name, recursiveReadOnlyMounts }) => name === handler && recursiveReadOnlyMounts);
}

/** @throws when the mount must be so and cannot */
export function isRecursivelyReadOnly(mount: VolumeMount, canBe: boolean): boolean {
  if (!asks(mount)) return false;
  const wants = `volume ${JSON.stringify(mount.name)} requested recursive read-only mode, but it is`;
  if (!mount.readOnly) throw new Error(`${wants} not read-only`);
  if (mount.mountPropagation && mount.mountPropagation !== 'None')
    throw new Error(`${wants} not compatible with propagation ${JSON.stringify(mount.mountPropagation)}`);
  if (!canBe && mount.recursiveReadOnly === 'Enabled') throw new Error(`${wants} not supported by the runtime`);
  return canBe;
}
