// From names in a path to what runs.
import type { ContainerState, Pod } from '../../../generated/core-v1.ts';
import type { PodServices } from '../pods/pod-services.ts';
import { type ContainerRecord, newestContainer } from '../pods/runtime-tracker.ts';

/** An answer that is not the wanted one: plain text and its code. */
export class NodeApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function findPod(pods: readonly Pod[], namespace: string, name: string): Pod {
  const pod = pods.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  if (!pod) throw new NodeApiError(404, `pod "${name}" not found`);
  return pod;
}

export function runningContainer(services: PodServices, pod: Pod, name: string): ContainerRecord {
  const record = newestContainer(services.tracker.stateOf(pod.metadata.uid!), name);
  if (record?.state !== 'CONTAINER_RUNNING') throw new NodeApiError(404, `container not found ("${name}")`);
  return record;
}

/** The instance whose log is asked for, with upstream's words when there is none. */
export function loggedContainer(services: PodServices, pod: Pod, name: string, previous: boolean): ContainerRecord {
  const where = `container "${name}" in pod "${pod.metadata.name}"`;
  const instances = services.tracker.stateOf(pod.metadata.uid!).containers.filter((each) => each.name === name);
  const live = instances[0]?.state === 'CONTAINER_CREATED' ? instances.slice(1) : instances;
  const waiting = stateOf(pod, name)?.waiting;
  if (previous) {
    // Waiting for a restart, the one that ended last is the previous one already.
    const ended = live[0]?.state === 'CONTAINER_EXITED' && waiting ? live[0] : live[1];
    if (!ended) throw new NodeApiError(400, `previous terminated ${where} not found`);
    return ended;
  }
  if (live[0]) return live[0];
  const known = [...pod.spec.containers, ...(pod.spec.initContainers ?? []), ...(pod.spec.ephemeralContainers ?? [])];
  if (!known.some((each) => each.name === name))
    throw new NodeApiError(404, `container ${name} not found in pod ${pod.metadata.name}_${pod.metadata.namespace}`);
  const reason = waiting?.reason;
  if (reason === 'ErrImagePull') throw new NodeApiError(400, `${where} is waiting to start: image can't be pulled`);
  if (reason === 'ImagePullBackOff')
    throw new NodeApiError(400, `${where} is waiting to start: trying and failing to pull image`);
  if (reason) throw new NodeApiError(400, `${where} is waiting to start: ${reason}`);
  throw new NodeApiError(400, `${where} is waiting to start - no logs yet`);
}

function stateOf(pod: Pod, name: string): ContainerState | undefined {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  return [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find(
    (each) => each.name === name,
  )?.state;
}
