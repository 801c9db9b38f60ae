// Tells those who ask on this machine which container has which device.
import { status } from '@grpc/grpc-js';
import type { Container, Pod } from '../../../generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import { GrpcError } from '../../base/grpc.ts';
import { untilAborted } from '../../base/signals.ts';
import type { DeviceManager } from '../devices/device-manager.ts';
import type { DraManager } from '../dra/dra-manager.ts';
import { serveUnix, type UnaryHandler } from '../grpc/unix-server.ts';
import { createRateLimit, type Rate } from '../rate-limit.ts';
import { isSidecar } from '../resources.ts';
import { podResourcesService } from './pod-resources-proto.ts';

export interface PodResourcesOptions {
  /** `NODE/pod-resources/kubelet.sock`. */
  readonly socketPath: string;
  /** Those of which something may run. */
  readonly pods: () => readonly Pod[];
  readonly plugins: Pick<DeviceManager, 'allocationsOf' | 'healthyDevices'>;
  readonly claims: Pick<DraManager, 'claimsOfContainer'>;
  readonly clock: Clock;
}

const callRate: Rate = { perSecond: 100, burst: 10 };

export function createPodResourcesServer(options: PodResourcesOptions): Component {
  const { socketPath, pods, clock } = options;
  const rate = createRateLimit(callRate, clock);
  /** Whoever asks without pause does not keep the agent from its work. */
  const limited =
    (answer: UnaryHandler): UnaryHandler =>
    (request) => {
      if (!rate.tryTake()) throw new GrpcError('rejected by rate limit', status.RESOURCE_EXHAUSTED);
      return answer(request);
    };
  const unary: Record<string, UnaryHandler> = {
    List: () => ({ podResources: pods().map((pod) => ofPod(options, pod)) }),
    Get({ podName, podNamespace }) {
      const pod = pods().find(({ metadata }) => metadata.name === podName && metadata.namespace === podNamespace);
      if (!pod) throw new GrpcError(`pod ${podName} in namespace ${podNamespace} not found`);
      return { podResources: ofPod(options, pod) };
    },
    GetAllocatableResources: () => ({ devices: allocatable(options) }),
  };
  const services = [
    {
      service: podResourcesService,
      unary: Object.fromEntries(Object.entries(unary).map(([name, answer]) => [name, limited(answer)])),
    },
  ];
  return {
    name: 'pod-resources',
    async run(signal) {
      await using _ = await serveUnix({ socketPath, services });
      await untilAborted(signal);
    },
  };
}

function ofPod(options: PodResourcesOptions, pod: Pod): object {
  const { name, namespace } = pod.metadata;
  const containers = [...(pod.spec.initContainers ?? []).filter(isSidecar), ...pod.spec.containers];
  return { name, namespace, containers: containers.map((container) => ofContainer(options, pod, container)) };
}

function ofContainer({ plugins, claims }: PodResourcesOptions, pod: Pod, container: Container): object {
  const devices = plugins
    .allocationsOf(pod.metadata.uid!, container.name)
    .flatMap(({ resource, byNumaNode }) =>
      [...byNumaNode].flatMap(([node, ids]) => ids.map((id) => deviceOf(resource, id, node))),
    );
  const dynamicResources = claims.claimsOfContainer(pod, container).map(({ name, namespace, drivers }) => ({
    claimName: name,
    claimNamespace: namespace,
    claimResources: [...drivers].flatMap(([driverName, prepared]) =>
      prepared.map(({ cdiDeviceIds, poolName, deviceName, shareId }) => ({
        cdiDevices: cdiDeviceIds.map((id) => ({ name: id })),
        driverName,
        poolName,
        deviceName,
        ...(shareId ? { shareId } : {}),
      })),
    ),
  }));
  return { name: container.name, devices, dynamicResources };
}

/** A node of -1 is none. */
function deviceOf(resourceName: string, id: string, node: number): object {
  return { resourceName, deviceIds: [id], ...(node >= 0 ? { topology: { nodes: [{ ID: node }] } } : {}) };
}

function allocatable({ plugins }: PodResourcesOptions): object[] {
  return [...plugins.healthyDevices()].flatMap(([resource, devices]) =>
    devices.flatMap(({ id, numaNodes }) =>
      (numaNodes.length > 0 ? numaNodes : [-1]).map((node) => deviceOf(resource, id, node)),
    ),
  );
}
