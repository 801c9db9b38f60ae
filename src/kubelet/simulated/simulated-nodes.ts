// Many nodes in one component: one watch of pods, one runtime in memory, one wheel of leases. The pods are brought forward
// by the same workers as on real nodes.
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { nodeKind, podKind, serviceKind } from '../../../generated/kinds.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../api/meta/status-error.ts';
import { type Clock, every } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import type { Logger } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { Client } from '../../client/client.ts';
import { createEventRecorders } from '../../reconcile/event-recorder.ts';
import type { Informer, InformerFactory } from '../../reconcile/informer.ts';
import { createNodeEvents } from '../events.ts';
import { ImagePuller } from '../images/image-puller.ts';
import { leaseRenewMs } from '../node/lease.ts';
import { architecture, kubernetesVersion, type Machine } from '../node/node-facts.ts';
import { nodeResources, nodeStatus } from '../node/node-status.ts';
import { Backoff } from '../pods/backoff.ts';
import { podNamespaceLabel, podUidLabel } from '../pods/labels.ts';
import { PodManager } from '../pods/pod-manager.ts';
import type { PodServices } from '../pods/pod-services.ts';
import { RuntimeTracker } from '../pods/runtime-tracker.ts';
import {
  createSimulatedRuntime,
  type SimulatedRuntime,
  type SimulatedRuntimeOptions,
} from '../runtime/simulated/simulated-runtime.ts';
import { createPodStatusSink } from '../status/status-writer.ts';
import { turnLeaseWheel } from './lease-wheel.ts';
import { simulatedCgroups, simulatedReferences, simulatedVolumes } from './no-machine.ts';
import { endsByItself, podLife } from './pod-life.ts';

export interface SimulatedNodesOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly log: Logger;
  /** How many; they are called PREFIX-0, PREFIX-1, … */
  readonly count: number;
  /** Default `simulated`. */
  readonly namePrefix?: string;
  readonly clusterDomain?: string;
  /** Default 32 cores, 256 GiB, 110 pods. */
  readonly cpuCount?: number;
  readonly memoryBytes?: number;
  readonly maxPods?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Of the names of containers; default: the system's. */
  readonly random?: Random;
  /** Makes what the pods run on, for those who want to hold it; default: a new one. */
  readonly runtime?: (options: SimulatedRuntimeOptions) => SimulatedRuntime;
}

const statusMs = 300_000;
const parallel = 16;

export function createSimulatedNodes(options: SimulatedNodesOptions): Component {
  return { name: 'simulated-nodes', run: (signal) => runNodes(options, signal) };
}

interface NodeFace {
  readonly name: string;
  readonly address: string;
}

async function runNodes(options: SimulatedNodesOptions, signal: AbortSignal): Promise<void> {
  const { client, informers, clock, log, count } = options;
  const faces = Array.from(
    { length: count },
    (_, index): NodeFace => ({
      name: `${options.namePrefix ?? 'simulated'}-${index}`,
      address: `10.${128 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`,
    }),
  );
  const machine = simulatedMachine(options);
  const pods = informers.informer(podKind);
  const recorders = createEventRecorders({ client, clock, log });
  const manager = createManager(options, faces, machine, pods, recorders);
  const nodes = await registerAll(options, faces, machine, signal);
  const holders = nodes.map(({ metadata }) => ({ nodeName: metadata.name, nodeUid: metadata.uid! }));
  await Promise.all([
    recorders.run(signal),
    manager.run(signal),
    // Above some hundreds of nodes each speaks half as often: still twice in what the controllers wait for.
    turnLeaseWheel({ client, clock, log, roundMs: count > 300 ? 2 * leaseRenewMs : leaseRenewMs }, holders, signal),
    report(options, faces, machine, signal),
  ]);
}

function createManager(
  options: SimulatedNodesOptions,
  faces: readonly NodeFace[],
  machine: Machine,
  pods: Informer<Pod>,
  recorders: ReturnType<typeof createEventRecorders>,
): PodManager {
  const { client, informers, clock, log } = options;
  const services = informers.informer(serviceKind);
  const events = createNodeEvents(recorders.recorder('kubelet'));
  const podOf = new Map<string, Pod>();
  const runtime = (options.runtime ?? createSimulatedRuntime)({
    clock,
    ...(options.random ? { random: options.random } : {}),
    // A registry below .invalid is one that no machine can reach (RFC 2606): here, too, such images cannot be had.
    hasImage: (image) => !/^[^/]+\.invalid(:\d+)?\//.test(image),
    life: (config, sandbox) => {
      const pod = podOf.get(config.labels[podUidLabel]!);
      return podLife(sandbox.annotations, config.metadata.name, pod ? endsByItself(pod, config.metadata.name) : false);
    },
  });
  const tracker = new RuntimeTracker({ runtime, clock, log, onChange: (uid) => manager.runtimeChanged(uid) });
  const { allocatable } = nodeResources(machine, options.maxPods ?? 110);
  const base = {
    runtime,
    tracker,
    events,
    clock,
    log,
    images: new ImagePuller({ runtime, events, clock }),
    volumes: simulatedVolumes,
    references: simulatedReferences(client),
    cgroups: simulatedCgroups,
    restarts: new Backoff(10_000, 300_000),
    security: { seccompDefault: true, seccompRoot: '/' },
    dns: () => ({
      clusterDns: [],
      clusterDomain: options.clusterDomain ?? 'cluster.local',
      host: { servers: [], searches: [], options: [] },
    }),
    runtimeName: 'simulated',
    memoryCapacityBytes: machine.memoryBytes,
    logDir: '/nonexistent',
    isSimulated: true,
    services: () => services.list(),
    servicesSynced: () => services.hasSynced,
    runtimeHandler: (name: string) => name,
    networkProblem: async () => undefined,
    statusSink: () => createPodStatusSink({ client, clock, log }),
    removeRuntimeState: async (pod: Pod) => {
      podOf.delete(pod.metadata.uid!);
      await manager.removeRuntimeState(pod.metadata.uid!);
    },
    async deletePod({ metadata }: Pod) {
      const key = { namespace: metadata.namespace!, name: metadata.name };
      await client
        .resource(podKind)
        .delete(key, { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid! } })
        .catch((error) => {
          if (!isNotFound(error) && !isConflict(error)) throw error;
        });
    },
    hook: async () => undefined,
    async probe(_: unknown, { containerId, container }: { containerId: string; container: { name: string } }) {
      const record = tracker.container(containerId);
      const pod = record && podOf.get(record.labels[podUidLabel]!);
      const { readyDelayMs } = podLife(pod?.metadata.annotations ?? {}, container.name, false);
      const isSuccess = record !== undefined && clock.now() - record.startedAtMs >= readyDelayMs;
      return { isSuccess, output: isSuccess ? '' : `${record?.labels[podNamespaceLabel] ?? ''}: not ready yet` };
    },
  };
  const byNode = new Map(
    faces.map(({ name, address }): [string, PodServices] => {
      const hostIPs = [address];
      return [name, { ...base, hostIPs, factsFor: (_, podIPs) => ({ nodeName: name, hostIPs, podIPs, allocatable }) }];
    }),
  );
  const manager: PodManager = new PodManager({
    services: { ...base, hostIPs: [], factsFor: () => ({ nodeName: '', hostIPs: [], podIPs: [], allocatable }) },
    pods,
    servicesFor(pod) {
      const found = byNode.get(pod.spec.nodeName ?? '');
      if (found) podOf.set(pod.metadata.uid!, pod);
      return found;
    },
  });
  return manager;
}

function simulatedMachine({ cpuCount = 32, memoryBytes = 256 * 2 ** 30 }: SimulatedNodesOptions): Machine {
  return {
    cpuCount,
    memoryBytes,
    diskBytes: 2 ** 40,
    systemInfo: {
      machineID: '',
      systemUUID: '',
      bootID: '',
      kernelVersion: 'simulated',
      osImage: 'Simulated',
      kubeletVersion: kubernetesVersion,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture,
    },
  };
}

function statusOf(
  { address, name }: NodeFace,
  options: SimulatedNodesOptions,
  machine: Machine,
  before: Node['status'] & {},
): Node['status'] & {} {
  return nodeStatus({
    machine,
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: name },
    ],
    port: 10250,
    maxPods: options.maxPods ?? 110,
    runtimeVersion: 'simulated://1.0.0',
    problems: [],
    pressure: { memory: false, disk: false, pids: false },
    images: [],
    before,
    nowMs: options.clock.now(),
  });
}

async function registerAll(
  options: SimulatedNodesOptions,
  faces: readonly NodeFace[],
  machine: Machine,
  signal: AbortSignal,
): Promise<Node[]> {
  const nodes: Node[] = [];
  await inParallel(faces, async (face) => {
    for (let waitMs = 100; !signal.aborted; waitMs = Math.min(5_000, waitMs * 2)) {
      try {
        nodes.push(await registerOne(options, face, machine));
        return;
      } catch (error) {
        options.log.warn('simulated node is not registered yet', { node: face.name, error: String(error) });
        await options.clock.sleep(waitMs, signal);
      }
    }
  });
  return nodes;
}

async function registerOne(options: SimulatedNodesOptions, face: NodeFace, machine: Machine): Promise<Node> {
  const nodes = options.client.resource(nodeKind);
  const key = { namespace: '', name: face.name };
  const labels = {
    'kubernetes.io/arch': architecture,
    'kubernetes.io/hostname': face.name,
    'kubernetes.io/os': 'linux',
    type: 'simulated',
    ...options.labels,
  };
  const made = await nodes
    .create({
      metadata: { name: face.name, labels, annotations: { 'kwok.x-k8s.io/node': 'fake' } },
      spec: {},
      status: {},
    })
    .catch((error) => {
      if (isAlreadyExists(error)) return nodes.get(key);
      throw error;
    });
  return nodes.patch(
    key,
    { status: statusOf(face, options, machine, made.status ?? {}) },
    { type: 'strategic', subresource: 'status' },
  );
}

/** Every five minutes, as a real node without news. */
async function report(
  options: SimulatedNodesOptions,
  faces: readonly NodeFace[],
  machine: Machine,
  signal: AbortSignal,
): Promise<void> {
  const nodes = options.client.resource(nodeKind);
  for await (const _ of every(options.clock, statusMs, signal))
    await inParallel(faces, async (face) => {
      if (signal.aborted) return;
      const key = { namespace: '', name: face.name };
      const node = await nodes.find(key).catch(() => undefined);
      if (!node) return;
      const patch = { status: statusOf(face, options, machine, node.status ?? {}) };
      await nodes.patch(key, patch, { type: 'strategic', subresource: 'status' }).catch(() => undefined);
    });
}

async function inParallel<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await action(item);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}
