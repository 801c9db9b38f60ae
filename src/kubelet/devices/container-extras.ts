// What plugins and drivers add to a container: pure.
import type { ContainerConfig, MountConfig } from '../runtime/runtime.ts';
import type { DeviceResponse } from './device-proto.ts';

export interface ContainerExtras {
  readonly envs: ReadonlyMap<string, string>;
  readonly mounts: readonly MountConfig[];
  readonly devices: NonNullable<ContainerConfig['devices']>;
  readonly annotations: ReadonlyMap<string, string>;
  /** `VENDOR/CLASS=NAME`. */
  readonly cdiDevices: readonly string[];
  /** Groups that a device's file belongs to. */
  readonly groups?: readonly number[];
}

/** Where two want the same variable or path, the first one has it. */
export function extrasOf(
  responses: readonly DeviceResponse[],
  cdiDevices: readonly string[],
  onMachine: (path: string) => string,
): ContainerExtras {
  const envs = new Map<string, string>();
  const mounts = new Map<string, MountConfig>();
  const devices = new Map<string, ContainerExtras['devices'][number]>();
  const annotations = new Map<string, string>();
  const cdi = new Set<string>();
  const keep = <T>(map: Map<string, T>, key: string, value: T): unknown => map.has(key) || map.set(key, value);
  for (const response of responses) {
    for (const [name, value] of Object.entries(response.envs)) keep(envs, name, value);
    for (const { containerPath, hostPath, readOnly } of response.mounts)
      keep(mounts, containerPath, { containerPath, hostPath: onMachine(hostPath), readonly: readOnly });
    for (const device of response.devices) keep(devices, device.containerPath, device);
    for (const [name, value] of Object.entries(response.annotations)) keep(annotations, name, value);
    for (const { name } of response.cdiDevices) cdi.add(name);
  }
  for (const name of cdiDevices) cdi.add(name);
  return { envs, mounts: [...mounts.values()], devices: [...devices.values()], annotations, cdiDevices: [...cdi] };
}

/** The pod's own variables and mounts come after those of devices, and win. */
export function withExtras(config: ContainerConfig, extras: ContainerExtras): ContainerConfig {
  const own = new Set(config.envs.map(({ key }) => key));
  const envs = [...extras.envs].filter(([key]) => !own.has(key)).map(([key, value]) => ({ key, value }));
  const { securityContext } = config.linux;
  const groups = [...new Set([...(securityContext.supplementalGroups ?? []), ...(extras.groups ?? [])])];
  return {
    ...config,
    envs: [...envs, ...config.envs],
    mounts: [...extras.mounts, ...config.mounts],
    devices: [...(config.devices ?? []), ...extras.devices],
    annotations: { ...Object.fromEntries(extras.annotations), ...config.annotations },
    ...(extras.cdiDevices.length > 0 ? { CDIDevices: extras.cdiDevices.map((name) => ({ name })) } : {}),
    ...(extras.groups?.length
      ? { linux: { ...config.linux, securityContext: { ...securityContext, supplementalGroups: groups } } }
      : {}),
  };
}
