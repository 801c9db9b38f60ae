// What a device's file asks for, as additions to a container: for runtimes that do not read these files themselves.
import type { MountConfig } from '../../runtime/runtime.ts';
import type { ContainerExtras } from '../container-extras.ts';
import type { CdiDeviceNode, CdiEdits, CdiMount } from './cdi-spec.ts';

/**
 * @param fileOf where a device's file is on this machine
 * @throws for edits that only a runtime can make
 */
export async function applyEdits(
  extras: ContainerExtras,
  edits: readonly CdiEdits[],
  fileOf: (node: CdiDeviceNode) => Promise<string>,
): Promise<ContainerExtras> {
  const envs = new Map(extras.envs);
  const devices = new Map(extras.devices.map((device) => [device.containerPath, device]));
  const mounts = new Map(extras.mounts.map((mount) => [mount.containerPath, mount]));
  const groups = new Set(extras.groups);
  for (const edit of edits) {
    if (edit.hooks?.length || edit.netDevices?.length || edit.intelRdt)
      throw new Error('hooks, network devices and RDT of CDI devices need containerd 2');
    for (const each of edit.env ?? []) envs.set(each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1));
    for (const node of edit.deviceNodes ?? []) {
      const device = { containerPath: node.path, hostPath: await fileOf(node), permissions: node.permissions || 'rwm' };
      devices.set(node.path, device);
    }
    for (const mount of edit.mounts ?? []) mounts.set(mount.containerPath, mountOf(mount));
    for (const group of edit.additionalGids ?? []) groups.add(group);
  }
  return {
    ...extras,
    envs,
    devices: [...devices.values()],
    mounts: [...mounts.values()],
    groups: [...groups],
    cdiDevices: [],
  };
}

const propagations: Readonly<Record<string, NonNullable<MountConfig['propagation']>>> = {
  rslave: 'PROPAGATION_HOST_TO_CONTAINER',
  slave: 'PROPAGATION_HOST_TO_CONTAINER',
  rshared: 'PROPAGATION_BIDIRECTIONAL',
  shared: 'PROPAGATION_BIDIRECTIONAL',
};

function mountOf({ hostPath, containerPath, type, options = [] }: CdiMount): MountConfig {
  if (type && !['bind', 'none'].includes(type)) throw new Error(`a CDI mount of type ${type} needs containerd 2`);
  const propagation = options.map((each) => propagations[each]).find(Boolean);
  return { containerPath, hostPath, readonly: options.includes('ro'), ...(propagation ? { propagation } : {}) };
}
