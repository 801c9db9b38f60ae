// Volumes that a container sees as devices.
import type { Container } from '../../../generated/core-v1.ts';
import type { ContainerConfig } from '../runtime/runtime.ts';
import type { ReadyVolume } from '../volumes/volume-driver.ts';
import { ConfigError } from './environment.ts';

/** @throws ConfigError when a volume is none */
export function volumeDevices(
  { name: container, volumeDevices = [] }: Container,
  ready: ReadonlyMap<string, ReadyVolume>,
): NonNullable<ContainerConfig['devices']> {
  return volumeDevices.map(({ name, devicePath }) => {
    const volume = ready.get(name);
    if (!volume?.device)
      throw new ConfigError(`block device "${name}" cannot be mapped: it is no device for container "${container}"`);
    return { hostPath: volume.device, containerPath: devicePath, permissions: volume.isReadOnly ? 'r' : 'mrw' };
  });
}
