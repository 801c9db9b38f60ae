// A pod as the scheduler looks at it. What pods of one template have in common is worked out once and shared (PodShape).
import type { Pod } from '../../generated/core-v1.ts';
import { featuresForScheduling } from '../api/core/declared-features.ts';
import { keyOf } from '../api/meta/object.ts';
import { type PodVolumes, volumesOf } from './pod-volumes.ts';
import { type Amounts, podRequests, podScoringRequests } from './resources.ts';

/** Everything about a pod that can matter to where it goes; equal for pods made from one template. */
export interface PodShape {
  /** Equal shapes have equal signatures, and nothing else has. */
  readonly signature: string;
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
  readonly affinity: Pod['spec']['affinity'];
  /** uid of the controller that made it. */
  readonly owner: string | undefined;
  /** On its way out: it takes room, but is not counted among those that are spread. */
  readonly isLeaving: boolean;
}

export interface PodView extends PodShape {
  /** As it was last seen. */
  pod: Pod;
  readonly key: string;
  readonly shape: PodShape;
  /** Its own: they are no part of its shape. */
  readonly volumes: PodVolumes;
}

export interface HostPort {
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

/** Shapes remembered at once; beyond that all are made anew as they come. */
const maxShapes = 4096;

/** Makes views; those of one template share what they have in common. */
export class PodViews {
  readonly #shapes = new Map<string, PodShape>();

  of(pod: Pod): PodView {
    const signature = signatureOf(pod);
    let shape = this.#shapes.get(signature);
    if (!shape) {
      if (this.#shapes.size >= maxShapes) this.#shapes.clear();
      shape = shapeOf(pod, signature);
      this.#shapes.set(signature, shape);
    }
    return withShape(pod, shape);
  }
}

export function viewOf(pod: Pod): PodView {
  return withShape(pod, shapeOf(pod, signatureOf(pod)));
}

function withShape(pod: Pod, shape: PodShape): PodView {
  return { ...shape, pod, key: keyOf(pod), shape, volumes: volumesOf(pod) };
}

function shapeOf(pod: Pod, signature: string): PodShape {
  const { affinity } = pod.spec;
  return {
    signature,
    namespace: pod.metadata.namespace ?? '',
    labels: pod.metadata.labels ?? {},
    priority: pod.spec.priority ?? 0,
    requests: podRequests(pod),
    scoringRequests: podScoringRequests(pod),
    hostPorts: hostPortsOf(pod),
    hasAntiAffinity: (affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length ?? 0) > 0,
    hasPodAffinity: Boolean(affinity?.podAffinity ?? affinity?.podAntiAffinity),
    affinity,
    owner: ownerOf(pod),
    isLeaving: pod.metadata.deletionTimestamp !== undefined,
  };
}

const ownerOf = (pod: Pod) => pod.metadata.ownerReferences?.find((reference) => reference.controller)?.uid;

/** Left out: what no plugin asks about. What is asked about one pod at a time (volumes, device claims) is left out too. */
function signatureOf({ metadata, spec }: Pod): string {
  let text = `${metadata.namespace}\n${ownerOf({ metadata, spec })}\n${spec.priority}\n${spec.preemptionPolicy}\n${spec.schedulerName}`;
  if (metadata.deletionTimestamp) text += '\nleaving';
  if (metadata.labels) text += `\nl${JSON.stringify(metadata.labels)}`;
  if (spec.nodeSelector) text += `\ns${JSON.stringify(spec.nodeSelector)}`;
  if (spec.affinity) text += `\na${JSON.stringify(spec.affinity)}`;
  if (spec.tolerations) text += `\nt${JSON.stringify(spec.tolerations)}`;
  if (spec.topologySpreadConstraints) text += `\nd${JSON.stringify(spec.topologySpreadConstraints)}`;
  if (spec.overhead) text += `\no${JSON.stringify(spec.overhead)}`;
  if (spec.resources) text += `\nr${JSON.stringify(spec.resources)}`;
  const features = featuresForScheduling(spec);
  if (features.length > 0) text += `\nf${features.join()}`;
  if (spec.os) text += `\nn${spec.os.name}`;
  for (const container of spec.containers) text += containerText('\nc', container);
  for (const container of spec.initContainers ?? []) text += containerText('\ni', container);
  return text;
}

function containerText(
  mark: string,
  { image, resources, ports, restartPolicy }: Pod['spec']['containers'][number],
): string {
  let text = `${mark}${JSON.stringify(image)}`;
  if (restartPolicy) text += ` ${restartPolicy}`;
  if (resources?.requests) text += JSON.stringify(resources.requests);
  if (ports?.some(({ hostPort }) => hostPort)) text += JSON.stringify(ports);
  return text;
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
