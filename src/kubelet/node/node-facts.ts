// The machine under the node: what it is, how much it has.
import { readdir, readFile, statfs } from 'node:fs/promises';
import { arch, cpus, release, totalmem } from 'node:os';
import type { NodeSystemInfo } from '../../../generated/core-v1.ts';

export const kubernetesVersion = 'v1.36.3';

export interface Machine {
  readonly systemInfo: Omit<NodeSystemInfo, 'containerRuntimeVersion'>;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** Set aside by size of the page, `2Mi`. */
  readonly hugePages?: readonly { readonly size: string; readonly bytes: number }[];
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
  const [machineID, systemUUID, bootID, release_, memory, disk, pages] = await Promise.all([
    read('/etc/machine-id'),
    read('/sys/class/dmi/id/product_uuid'),
    read('/proc/sys/kernel/random/boot_id'),
    read('/etc/os-release'),
    read('/proc/meminfo'),
    statfs(dataDir).catch(() => undefined),
    hugePages(),
  ]);
  const total = /^MemTotal:\s+(\d+) kB/m.exec(memory)?.[1];
  return {
    cpuCount: cpus().length,
    memoryBytes: total ? Number(total) * 1024 : totalmem(),
    diskBytes: disk ? disk.blocks * disk.bsize : 0,
    hugePages: pages,
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

const hugePagesDir = '/sys/kernel/mm/hugepages';

/** The smallest first. */
async function hugePages(): Promise<{ size: string; bytes: number }[]> {
  const names = await readdir(hugePagesDir).catch(() => []);
  const kibis = names.flatMap((name) => Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? []));
  return Promise.all(
    kibis
      .filter((kibi) => kibi > 0)
      .sort((a, b) => a - b)
      .map(async (kibi) => {
        const count = Number(await read(`${hugePagesDir}/hugepages-${kibi}kB/nr_hugepages`));
        return { size: pageSize(kibi), bytes: count * kibi * 1024 };
      }),
  );
}

function pageSize(kibi: number): string {
  if (kibi % 2 ** 20 === 0) return `${kibi / 2 ** 20}Gi`;
  return kibi % 1024 === 0 ? `${kibi / 1024}Mi` : `${kibi}Ki`;
}
