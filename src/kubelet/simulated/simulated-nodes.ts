// Many nodes in one component: one watch of pods, one runtime in memory, one wheel of leases. The pods are brought forward
// by the same workers as on real nodes.
import type { Pod } from '../../../generated/core-v1.ts';
import { nodeKind, podKind, serviceKind } from '../../../generated/kinds.ts';
import { isConflict, isNotFound } from '../../api/meta/status-error.ts';
import type { Component } from '../../base/component.ts';
import { createEventRecorders } from '../../reconcile/event-recorder.ts';
import type { Informer } from '../../reconcile/informer.ts';
import { createNodeEvents, type PodEvents } from '../events.ts';
import { ImagePuller } from '../images/image-puller.ts';
import { leaseRenewMs } from '../node/lease.ts';
import type { Machine } from '../node/node-facts.ts';
import { nodeResources } from '../node/node-status.ts';
import { Backoff } from '../pods/backoff.ts';
import { podNamespaceLabel, podUidLabel } from '../pods/labels.ts';
import { PodManager } from '../pods/pod-manager.ts';
import type { PodServices } from '../pods/pod-services.ts';
import { RuntimeTracker } from '../pods/runtime-tracker.ts';
import { usualCpuLimits } from '../resources.ts';
import { createSimulatedRuntime } from '../runtime/simulated/simulated-runtime.ts';
import { createPodStatusSink, takingTurns } from '../status/status-writer.ts';
import { Fleet, type NodeFace } from './fleet.ts';
import { Joining } from './joining.ts';
import { turnLeaseWheel } from './lease-wheel.ts';
import { simulatedCgroups, simulatedReferences, simulatedVolumes } from './no-machine.ts';
import type { SimulatedNodesOptions } from './options.ts';
import { PodAddresses } from './pod-addresses.ts';
import { podLife } from './pod-life.ts';
import { ProgramSource } from './program-source.ts';
import { defaultMaxPods, registerAll, report, simulatedMachine } from './register.ts';

export type { SimulatedNodesOptions } from './options.ts';

/** Statuses under way: more would only wait in the API server, and heartbeats behind them. */
const statusesAtOnce = 64;
const pollMs = 5;
const eventsOfNode = 1000;
const leastNodes = 4;
const mostEvents = 100_000;

export function createSimulatedNodes(options: SimulatedNodesOptions): Component {
  return { name: 'simulated-nodes', run: (signal) => runNodes(options, signal) };
}

async function runNodes(options: SimulatedNodesOptions, signal: AbortSignal): Promise<void> {
  const { client, informers, clock, log, count } = options;
  const machine = simulatedMachine(options);
  const maxPods = options.maxPods ?? defaultMaxPods;
  const fleet = new Fleet();
  // A real node may have 1,000 waiting; all of them together, what memory bears.
  const mostWaiting = () => Math.min(mostEvents, eventsOfNode * Math.max(leastNodes, fleet.size));
  const recorders = createEventRecorders({ client, clock, log, mostWaiting });
  const recorder = recorders.recorder('simulated-nodes');
  const source = new ProgramSource({ informers, recorder, log, onChange: ({ nodes }) => fleet.use(nodes) });
  while (!source.hasSynced && !signal.aborted) await clock.sleep(pollMs, signal);
  for (let index = 0; index < count; index++)
    fleet.add(`${options.namePrefix ?? 'simulated'}-${index}`, machine, maxPods);
  const pods = informers.informer(podKind);
  const manager = createManager(options, { fleet, machine, pods, recorders, source });
  const isOpen = options.takesOthers ?? true;
  const joining = isOpen ? new Joining(options, fleet, (name) => manager.nodeJoined(name), signal) : undefined;
  await Promise.all([registerAll(options, fleet, signal), joining?.untilKnown()]);
  await Promise.all([
    recorders.run(signal),
    manager.run(signal),
    // Above some hundreds of nodes each speaks half as often: still twice in what the controllers wait for.
    turnLeaseWheel(
      { client, clock, log, roundMs: () => (fleet.size > 300 ? 2 * leaseRenewMs : leaseRenewMs) },
      () => fleet.holders,
      signal,
    ),
    report(options, fleet, signal),
  ]);
  await joining?.done();
}

interface ManagerParts {
  readonly fleet: Fleet;
  readonly machine: Machine;
  readonly pods: Informer<Pod>;
  readonly recorders: ReturnType<typeof createEventRecorders>;
  readonly source: ProgramSource;
}

function createManager(
  options: SimulatedNodesOptions,
  { fleet, machine, pods, recorders, source }: ManagerParts,
): PodManager {
  const { client, informers, clock, log } = options;
  const services = informers.informer(serviceKind);
  const eventsOf = ({ spec }: Pod) => createNodeEvents(recorders.recorder('kubelet', spec.nodeName));
  const events: PodEvents = {
    pod: (pod, ...told) => eventsOf(pod).pod(pod, ...told),
    container: (pod, ...told) => eventsOf(pod).container(pod, ...told),
  };
  const podOf = (labels: Readonly<Record<string, string>>) => manager.find(labels[podUidLabel] ?? '');
  const addresses = new PodAddresses(clock, async (name) => {
    const node = await client.resource(nodeKind).find({ namespace: '', name });
    return [node?.spec?.podCIDR, ...(node?.spec?.podCIDRs ?? [])].find((range) => range && !range.includes(':'));
  });
  const runtime = (options.runtime ?? createSimulatedRuntime)({
    clock,
    ...(options.random ? { random: options.random } : {}),
    addresses: {
      take: ({ labels }) => addresses.take(podOf(labels)?.spec.nodeName ?? ''),
      give: (address) => addresses.give(address),
    },
    // A registry below .invalid is one that no machine can reach (RFC 2606): here, too, such images cannot be had.
    hasImage: (image) => !/^[^/]+\.invalid(:\d+)?\//.test(image),
    life: ({ labels, metadata }) => {
      const pod = podOf(labels);
      return pod ? podLife(source.program, pod, metadata.name, metadata.attempt) : {};
    },
  });
  const readyDelayMs = (pod: Pod, container: string, restarts: number) =>
    podLife(source.program, pod, container, restarts).readyDelayMs;
  const turns = takingTurns(statusesAtOnce);
  const tracker = new RuntimeTracker({ runtime, clock, log, onChange: (uid) => manager.runtimeChanged(uid) });
  const base = {
    runtime,
    tracker,
    events,
    clock,
    log,
    images: new ImagePuller({ runtime, events, clock, maxParallelPulls: Number.POSITIVE_INFINITY }),
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
    cpuLimits: usualCpuLimits,
    logDir: '/nonexistent',
    isSimulated: true,
    services: () => services.list(),
    servicesSynced: () => services.hasSynced,
    runtimeHandler: async (name: string) => name,
    networkProblem: async () => undefined,
    statusSink: () => createPodStatusSink({ client, clock, log, turns }),
    removeRuntimeState: (pod: Pod) => manager.removeRuntimeState(pod.metadata.uid!),
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
    readyDelayMs,
    async probe(_: unknown, { containerId, container }: { containerId: string; container: { name: string } }) {
      const record = tracker.container(containerId);
      const pod = record && podOf(record.labels);
      const delayMs = pod && record ? readyDelayMs(pod, container.name, record.restartCount) : 0;
      const isSuccess = record !== undefined && clock.now() - record.startedAtMs >= delayMs;
      return { isSuccess, output: isSuccess ? '' : `${record?.labels[podNamespaceLabel] ?? ''}: not ready yet` };
    },
  };
  const servicesOf = ({ name, address, machine: own, maxPods }: NodeFace): PodServices => {
    const hostIPs = [address];
    const { allocatable } = nodeResources(own, maxPods);
    return { ...base, hostIPs, factsFor: (_, podIPs) => ({ nodeName: name, hostIPs, podIPs, allocatable }) };
  };
  const byNode = new WeakMap<NodeFace, PodServices>();
  const manager: PodManager = new PodManager({
    services: { ...base, hostIPs: [], factsFor: () => ({ nodeName: '', hostIPs: [], podIPs: [], allocatable: {} }) },
    pods,
    servicesFor(pod) {
      const face = fleet.find(pod.spec.nodeName ?? '');
      if (!face) return undefined;
      const found = byNode.get(face) ?? servicesOf(face);
      byNode.set(face, found);
      return found;
    },
  });
  return manager;
}
