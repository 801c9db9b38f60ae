// A pod that the node itself ends: what it says of that, and how long the pod has.
import type { Pod } from '../../../generated/core-v1.ts';

export interface PodEnding {
  readonly reason: string;
  readonly message: string;
  /** Of the condition DisruptionTarget; without it there is none. */
  readonly disruption?: string;
  /** Seconds its containers have; absent: what the pod asks for. */
  readonly graceSeconds?: number;
}

export const terminationByKubelet = 'TerminationByKubelet';

const systemCritical = 2_000_000_000;

export const mirrorAnnotation = 'kubernetes.io/config.mirror';
export const sourceAnnotation = 'kubernetes.io/config.source';

/** From a file or an address. What the API server has is never taken for one, whatever it says: see `asApiPod`. */
export function isStaticPod({ metadata }: Pod): boolean {
  const source = metadata.annotations?.[sourceAnnotation];
  return source !== undefined && source !== 'api' && !isMirrorPod({ metadata });
}

/** A pod of the API server, which cannot make itself one of the node's own. */
export function asApiPod(pod: Pod): Pod {
  if (pod.metadata.annotations?.[sourceAnnotation] === undefined || isMirrorPod(pod)) return pod;
  const { [sourceAnnotation]: _, ...annotations } = pod.metadata.annotations;
  return { ...pod, metadata: { ...pod.metadata, annotations } };
}

/** What the API server shows of a static pod. */
export function isMirrorPod({ metadata }: Pick<Pod, 'metadata'>): boolean {
  return metadata.annotations?.[mirrorAnnotation] !== undefined;
}

/** The node does not go on without it. */
export function isCriticalPod(pod: Pod): boolean {
  return isStaticPod(pod) || isMirrorPod(pod) || (pod.spec.priority ?? 0) >= systemCritical;
}
