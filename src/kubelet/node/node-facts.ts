// The machine under the node: what it is, how much it has.
import { readFile, statfs } from 'node:fs/promises';
import { arch, cpus, release, totalmem } from 'node:os';
import type { NodeSystemInfo } from '../../../generated/core-v1.ts';

export const kubernetesVersion = 'v1.36.3';

export interface Machine {
  readonly systemInfo: Omit<NodeSystemInfo, 'containerRuntimeVersion'>;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

const read = (path: string): Promise<string> =>
  readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => '',
  );

const goArchitectures: Record<string, string> = { x64: 'amd64', ia32: '386', arm: 'arm', arm64: 'arm64' };

/** Go's name of this machine's architecture, as labels have it. */
export const architecture = goArchitectures[arch()] ?? arch();

export async function describeMachine(dataDir: string): Promise<Machine> {
  const [machineID, systemUUID, bootID, release_, memory, disk] = await Promise.all([
    read('/etc/machine-id'),
    read('/sys/class/dmi/id/product_uuid'),
    read('/proc/sys/kernel/random/boot_id'),
    read('/etc/os-release'),
    read('/proc/meminfo'),
    statfs(dataDir).catch(() => undefined),
  ]);
  const total = /^MemTotal:\s+(\d+) kB/m.exec(memory)?.[1];
  return {
    cpuCount: cpus().length,
    memoryBytes: total ? Number(total) * 1024 : totalmem(),
    diskBytes: disk ? disk.blocks * disk.bsize : 0,
    systemInfo: {
      machineID,
      systemUUID: systemUUID || machineID,
      bootID,
      kernelVersion: release(),
      osImage: /^PRETTY_NAME="?([^"\n]*)"?/m.exec(release_)?.[1] ?? 'Linux',
      kubeletVersion: kubernetesVersion,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture,
    },
  };
}
