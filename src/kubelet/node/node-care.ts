// How the node looks after itself, put together: evictions, garbage, the shares of its pods.
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { unitsOf } from '../../api/meta/quantity.ts';
import { type Clock, every } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { CgroupTree, MemoryReserve, PodsLimit } from '../cgroups/cgroup-tree.ts';
import type { KubeletConfiguration } from '../config/types.ts';
import type { NodeEvents } from '../events.ts';
import { pressureRejection } from '../eviction/admission.ts';
import { EvictionManager } from '../eviction/eviction-manager.ts';
import { cgroupMemory } from '../eviction/observe-node.ts';
import { ContainerGc } from '../garbage-collection/container-gc.ts';
import { ImageGc } from '../garbage-collection/image-gc.ts';
import type { Rejection } from '../pods/admission.ts';
import { podLogDir } from '../pods/pod-log-dir.ts';
import type { PodManager } from '../pods/pod-manager.ts';
import type { RuntimeTracker } from '../pods/runtime-tracker.ts';
import { ProblemDetector } from '../problems/problem-detector.ts';
import type { ContainerRuntime } from '../runtime/runtime.ts';
import { NodeShutdown } from '../shutdown/node-shutdown.ts';
import { tellMachineWarnings } from './machine-warnings.ts';
import type { NodeResources } from './node-resources.ts';
import type { NodeFinding, Pressure } from './node-status.ts';

export interface NodeCareOptions {
  readonly config: KubeletConfiguration;
  readonly node: Pick<Node, 'metadata'>;
  readonly nodeDir: string;
  readonly imageDir: string;
  readonly logDir: string;
  /** Images that are never removed. */
  readonly keepImages: readonly string[];
  readonly podDir: (podUid: string) => string;
  readonly resources: NodeResources;
  readonly limit: PodsLimit;
  readonly cgroups: CgroupTree;
  /** Path of the machine's own; '' is none. */
  readonly resolvConf: string;
  readonly clusterDomain: string;
  readonly manager: PodManager;
  readonly tracker: RuntimeTracker;
  readonly runtime: ContainerRuntime;
  readonly events: NodeEvents;
  readonly clock: Clock;
  readonly log: Logger;
  /** The node's status is another. */
  readonly onChange: () => void;
}

export interface NodeCare {
  pressure(): Pressure;
  /** Why a pod may not come to the node as it is now. */
  admission(pod: Pod): Rejection | undefined;
  /** What keeps the node from being ready. */
  problems(): readonly string[];
  /** Conditions of the machine. */
  findings(): readonly NodeFinding[];
  /** Ends all pods, as the configuration says; settles when they have ended or their time is over. */
  shutDown(): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
}

const minuteMs = 60_000;

export function createNodeCare(options: NodeCareOptions): NodeCare {
  const { config, node, manager, tracker, runtime, cgroups, events, clock, log } = options;
  const containers = new ContainerGc({
    runtime,
    tracker,
    hasEnded: (uid) => manager.hasEnded(uid),
    clock,
    log,
  });
  const images = new ImageGc({
    config,
    runtime,
    imageDir: options.imageDir,
    containers: () => tracker.containers(),
    pods: () => manager.occupants(),
    keep: options.keepImages,
    node,
    events,
    clock,
    log,
  });
  const evictions = new EvictionManager({
    config,
    places: {
      nodeDir: options.nodeDir,
      imageDir: options.imageDir,
      podMemory: () => cgroupMemory(cgroups.memoryDir),
    },
    usage: {
      containerUsage: () => runtime.containerUsage(),
      podDir: options.podDir,
      podLogDir: (pod) => podLogDir(options.logDir, pod),
      processCount: (pod) => cgroups.processCount(pod),
    },
    pods: () => manager.occupants(),
    end: (pod, ending) => manager.end(pod, ending),
    reclaim: {
      deadContainers: () => containers.collect({ ofEnded: true }),
      unusedImages: () => images.removeUnused(),
    },
    node,
    events,
    clock,
    log,
    onChange: options.onChange,
  });
  const problems = new ProblemDetector({
    runtimeError: () => tracker.error,
    node,
    events,
    clock,
    log,
    onChange: options.onChange,
  });
  const shutdown = new NodeShutdown({
    periods: config.shutdownGracePeriods,
    pods: () => manager.occupants(),
    end: (pod, ending) => manager.end(pod, ending),
    node,
    events,
    clock,
    log,
    onChange: options.onChange,
  });
  return {
    problems: () => [...controllerProblems(cgroups), ...shutdown.problems],
    findings: () => problems.findings,
    shutDown: () => shutdown.begin(),
    pressure: () => ({
      memory: evictions.pressures.has('MemoryPressure'),
      disk: evictions.pressures.has('DiskPressure'),
      pids: evictions.pressures.has('PIDPressure'),
    }),
    admission: (pod) => pressureRejection(pod, evictions.pressures) ?? shutdown.rejection,
    async run(signal) {
      await Promise.all([
        evictions.run(signal),
        images.run(signal),
        collectContainers(containers, options, signal),
        keepShares(options, signal),
        problems.run(signal),
        tellMachineWarnings(options, events, node),
        hearOfShutdown(shutdown, options, signal),
      ]);
    },
  };
}

/** In the words with which upstream's agent would end. */
function controllerProblems({ missing }: CgroupTree): string[] {
  if (missing.needed.length === 0) return [];
  return [`system validation failed - Following Cgroup subsystem not mounted: [${missing.needed.join(' ')}]`];
}

async function hearOfShutdown(
  shutdown: NodeShutdown,
  { clock, log }: NodeCareOptions,
  signal: AbortSignal,
): Promise<void> {
  if (!shutdown.isConfigured) return;
  const { followLogind } = await import('../shutdown/logind.ts');
  await followLogind(
    { seconds: shutdown.seconds, onShutdown: () => shutdown.begin(), onCancel: () => shutdown.cancel(), clock, log },
    signal,
  );
}

async function collectContainers(
  containers: ContainerGc,
  { clock, events, node, log }: NodeCareOptions,
  signal: AbortSignal,
): Promise<void> {
  for await (const _ of every(clock, minuteMs, signal)) {
    try {
      await containers.collect();
    } catch (error) {
      log.warn('dead containers were not collected', { error: String(error) });
      events.node(node, 'Warning', 'ContainerGCFailed', (error as Error).message);
    }
  }
}

/** All pods within what the node gives them, and each class within what it asked for. */
async function keepShares(
  { cgroups, limit, config, resources, manager, events, node, clock, log }: NodeCareOptions,
  signal: AbortSignal,
): Promise<void> {
  let isLimited = false;
  for (const name of cgroups.missing.useful)
    events.node(
      node,
      'Warning',
      'MissingCgroupController',
      `cgroup controller ${name} is not mounted: its limits do not hold`,
    );
  const percent = Number.parseInt(config.qosReserved['memory'] ?? '', 10);
  const reserve: MemoryReserve | undefined = Number.isNaN(percent)
    ? undefined
    : { allocatableBytes: unitsOf(resources.allocatable['memory']), percent };
  const look = async () => {
    if (!isLimited) {
      isLimited = await cgroups.limitPods(limit);
      // Pods may use more than that already: evictions bring them down, and the next look succeeds.
      if (isLimited)
        events.node(node, 'Normal', 'NodeAllocatableEnforced', 'Updated Node Allocatable limit across pods');
      else
        events.node(
          node,
          'Warning',
          'FailedNodeAllocatableEnforcement',
          'Failed to update Node Allocatable Limits ["kubepods"]',
        );
    }
    await cgroups.balance(manager.occupants(), reserve);
  };
  const safely = () => look().catch((error) => log.warn('shares were not set', { error: String(error) }));
  await safely();
  for await (const _ of every(clock, minuteMs, signal)) await safely();
}
