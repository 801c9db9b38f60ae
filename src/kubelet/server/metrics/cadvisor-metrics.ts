// /metrics/cadvisor: what each group of processes uses, under cAdvisor's names and labels.
import { readFile } from 'node:fs/promises';
import type { CgroupReading } from '../stats/cgroup-reading.ts';
import type { FileSystemReading } from '../stats/file-system.ts';
import { readMachine } from '../stats/machine.ts';
import type { InterfaceReading } from '../stats/network-reading.ts';
import type { NodeReading } from '../stats/node-reading.ts';
import { type CadvisorSubject, containerFigures, networkFigures, rootfsFigures } from './cadvisor-figures.ts';
import { type Family, type Labels, render, type Sample } from './exposition.ts';

export interface CadvisorInput {
  readonly reading: NodeReading;
  readonly podsGroup: string;
  readonly fs: FileSystemReading | undefined;
  readonly systemInfo: { readonly machineID: string; readonly systemUUID: string; readonly bootID: string };
  readonly cpuCount: number;
  readonly kernelVersion: string;
  readonly osImage: string;
}

export async function cadvisorMetrics(input: CadvisorInput): Promise<string> {
  const { reading, fs } = input;
  const devices = await deviceNames();
  const subjects = subjectsOf(input);
  const families = new Map<string, Family & { samples: Sample[] }>();
  const add = (name: string, help: string, type: Family['type'], samples: readonly Sample[]): void => {
    const family = families.get(name) ?? { name, help, type, samples: [] as Sample[] };
    families.set(name, family);
    for (const sample of samples) family.samples.push(sample);
  };
  const context = { devices, atMs: reading.atMs, fs };
  for (const subject of subjects) {
    for (const { name, help, type, samples } of containerFigures) add(name, help, type, samples(subject, context));
    if (subject.rootfs && fs)
      for (const { name, help, type, value } of rootfsFigures)
        add(name, help, type, [
          { labels: { ...subject.labels, device: '/dev/root' }, value: value(subject.rootfs, fs), atMs: reading.atMs },
        ]);
    for (const { name, help, key } of networkFigures)
      add(
        name,
        help,
        'counter',
        subject.network.map((each) => ({
          labels: { ...subject.labels, interface: each.name },
          value: each[key],
          atMs: reading.atMs,
        })),
      );
  }
  return render([...families.values(), ...(await machineFamilies(input))]);
}

const noLabels = { container: '', image: '', name: '', namespace: '', pod: '' };
const withId = (id: string, labels: Partial<typeof noLabels> = {}): Labels => {
  const { container, image, name, namespace, pod } = { ...noLabels, ...labels };
  return { container, id, image, name, namespace, pod };
};

function subjectsOf({ reading, podsGroup }: CadvisorInput): CadvisorSubject[] {
  const subjects: CadvisorSubject[] = [];
  const add = (labels: Labels, cgroup: CgroupReading | undefined, network: readonly InterfaceReading[] = []): void => {
    if (cgroup) subjects.push({ labels, cgroup, network, rootfs: undefined });
  };
  add(withId('/'), reading.machine, reading.network);
  add(withId(podsGroup), reading.allPods);
  for (const { pod, group, cgroup, sandbox, network, containers } of reading.pods) {
    const of = { namespace: pod.metadata.namespace!, pod: pod.metadata.name };
    add(withId(group, of), cgroup);
    // The network is the sandbox's: containers share it.
    if (sandbox) add(withId(sandbox.group, { ...of, name: sandbox.id }), sandbox.cgroup, network);
    for (const each of containers)
      subjects.push({
        labels: withId(each.group, {
          ...of,
          container: each.record.name,
          image: each.record.image,
          name: each.record.id,
        }),
        cgroup: each.cgroup,
        network: [],
        rootfs: each.rootfs,
      });
  }
  return subjects;
}

async function machineFamilies(input: CadvisorInput): Promise<Family[]> {
  const { memory, swap } = await readMachine();
  const { machineID, systemUUID, bootID } = input.systemInfo;
  const labels = { boot_id: bootID, machine_id: machineID, system_uuid: systemUUID };
  const gauge = (name: string, help: string, value: number, of: Labels = labels): Family => ({
    name,
    help,
    type: 'gauge',
    samples: [{ labels: of, value }],
  });
  return [
    gauge(
      'cadvisor_version_info',
      "A metric with a constant '1' value labeled by kernel version, OS version, docker version, cadvisor version & cadvisor revision.",
      1,
      {
        cadvisorRevision: '',
        cadvisorVersion: '',
        dockerVersion: '',
        kernelVersion: input.kernelVersion,
        osVersion: input.osImage,
      },
    ),
    gauge('machine_cpu_cores', 'Number of logical CPU cores.', input.cpuCount),
    gauge('machine_cpu_physical_cores', 'Number of physical CPU cores.', input.cpuCount),
    gauge('machine_cpu_sockets', 'Number of CPU sockets.', 1),
    gauge('machine_memory_bytes', 'Amount of memory installed on the machine.', memory.total),
    gauge('machine_swap_bytes', 'Amount of swap memory available on the machine.', swap.total),
    gauge('machine_scrape_error', '1 if there was an error while getting machine metrics, 0 otherwise.', 0, {}),
    gauge('container_scrape_error', '1 if there was an error while getting container metrics, 0 otherwise', 0, {}),
  ];
}

/** `8:0` to `/dev/sda`. */
async function deviceNames(): Promise<Map<string, string>> {
  const text = await readFile('/proc/diskstats', 'utf8').catch(() => '');
  return new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const [major, minor, name] = line.trim().split(/\s+/);
      return name ? [[`${major}:${minor}`, `/dev/${name}`]] : [];
    }),
  );
}
