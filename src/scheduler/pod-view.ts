// A pod as the scheduler looks at it: everything that costs to work out, worked out once.
import type { Pod } from '../../generated/core-v1.ts';
import { keyOf } from '../api/meta/object.ts';
import { type Amounts, podRequests, podScoringRequests } from './resources.ts';

export interface PodView {
  readonly pod: Pod;
  readonly key: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly requests: Amounts;
  readonly scoringRequests: Amounts;
  /** `protocol/address/port` of each host port. */
  readonly hostPorts: readonly HostPort[];
  readonly hasAntiAffinity: boolean;
  /** Cares for its neighbours at all, for or against, required or preferred. */
  readonly hasPodAffinity: boolean;
  /** uid of the controller that made it. */
  readonly owner: string | undefined;
}

export interface HostPort {
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

export function viewOf(pod: Pod): PodView {
  return {
    pod,
    key: keyOf(pod),
    namespace: pod.metadata.namespace ?? '',
    labels: pod.metadata.labels ?? {},
    priority: pod.spec.priority ?? 0,
    requests: podRequests(pod),
    scoringRequests: podScoringRequests(pod),
    hostPorts: hostPortsOf(pod),
    hasAntiAffinity:
      (pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length ?? 0) > 0,
    hasPodAffinity: Boolean(pod.spec.affinity?.podAffinity ?? pod.spec.affinity?.podAntiAffinity),
    owner: pod.metadata.ownerReferences?.find((reference) => reference.controller)?.uid,
  };
}

function hostPortsOf(pod: Pod): HostPort[] {
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter((each) => each.restartPolicy === 'Always')]
    .flatMap((container) => container.ports ?? [])
    .filter((port) => port.hostPort)
    .map((port) => ({ protocol: port.protocol ?? 'TCP', address: port.hostIP || '0.0.0.0', port: port.hostPort! }));
}

export function portsClash(one: HostPort, other: HostPort): boolean {
  const sameAddress = one.address === other.address || one.address === '0.0.0.0' || other.address === '0.0.0.0';
  return sameAddress && one.port === other.port && one.protocol === other.protocol;
}
