// API statuses of a pod's containers from what the runtime says, newest first, and from why some did not start.
import type {
  Container,
  ContainerState,
  ContainerStatus,
  Pod,
  PodCondition,
  ResourceRequirements,
  ResourceStatus,
} from '../../../generated/core-v1.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { ContainerRecord, PodRuntime } from '../pods/runtime-tracker.ts';
import { isSidecar } from '../resources.ts';
import { restartingAll, shouldRestart } from './restart-policy.ts';

/** Why a container could not be started, last time: `CrashLoopBackOff`, `ErrImagePull`, … */
export interface StartFailure {
  readonly reason: string;
  readonly message: string;
}

/** What the probes say of a running container. */
export interface ProbeView {
  isReady(container: string, containerId: string): boolean;
  isStarted(container: string, containerId: string): boolean;
}

export interface ContainerStatusInput {
  readonly pod: Pod;
  readonly runtime: PodRuntime;
  readonly runtimeName: string;
  readonly failures: ReadonlyMap<string, StartFailure>;
  readonly probes: ProbeView;
  /** A change of what the pod may use. */
  readonly resize?: {
    readonly conditions: readonly Omit<PodCondition, 'status'>[];
    /** What a running container has. */
    givenTo(containerId: string): ResourceRequirements | undefined;
  };
  /** What the container has of devices, and how they are. */
  readonly devicesOf?: (container: Container) => ResourceStatus[];
  /** All containers were taken away, to start anew. */
  readonly isRestartingAll?: boolean;
  /** The agent ended this container for it to start again, whatever the policy says. */
  readonly isToRestart?: (containerId: string) => boolean;
  /** Mounts that are to be read-only all the way down are. */
  readonly hasRecursiveReadOnly?: boolean;
  /** Nothing starts any more. */
  readonly isTerminal: boolean;
}

export interface ContainerStatusLists {
  readonly initContainerStatuses: ContainerStatus[];
  readonly containerStatuses: ContainerStatus[];
  readonly ephemeralContainerStatuses: ContainerStatus[];
}

export function containerStatuses(input: ContainerStatusInput): ContainerStatusLists {
  const { pod } = input;
  const old = pod.status ?? {};
  const build = (
    containers: readonly Container[] | undefined,
    before: readonly ContainerStatus[] | undefined,
    kind: Kind,
  ) =>
    (containers ?? []).map((each) =>
      one(
        input,
        each,
        before?.find(({ name }) => name === each.name),
        kind,
      ),
    );
  const byName = (a: ContainerStatus, b: ContainerStatus) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  return {
    initContainerStatuses: build(pod.spec.initContainers, old.initContainerStatuses, 'init'),
    containerStatuses: build(pod.spec.containers, old.containerStatuses, 'app').sort(byName),
    ephemeralContainerStatuses: build(
      pod.spec.ephemeralContainers as Container[] | undefined,
      old.ephemeralContainerStatuses,
      'ephemeral',
    ),
  };
}

type Kind = 'init' | 'app' | 'ephemeral';

function one(
  input: ContainerStatusInput,
  container: Container,
  before: ContainerStatus | undefined,
  kind: Kind,
): ContainerStatus {
  const { pod, runtime } = input;
  const [newest, previous] = runtime.containers.filter(({ name }) => name === container.name);
  const status = newest ? fromRecord(input, container, newest, kind) : unseen(input, container, before, kind);
  if (newest) {
    const last = previous ? stateOf(previous, input.runtimeName) : before?.lastState;
    if (last?.terminated) status.lastState = last;
  }
  if (input.isTerminal) return status;
  const isAgain = mayStart(container, pod, newest, kind);
  const isReplaced = !isAgain && newest?.state === 'CONTAINER_EXITED' && input.isToRestart?.(newest.id) === true;
  const failure = input.failures.get(container.name);
  // Nobody may hear of an end that is none: of some pods it cannot be taken back.
  if (isReplaced || (failure && isAgain)) {
    const { reason, message } = failure ?? { reason: 'ContainerCreating', message: '' };
    if (status.state?.terminated) status.lastState = status.state;
    status.state = { waiting: { reason, ...(message ? { message } : {}) } };
    status.ready = false;
    status.started = false;
  }
  return status;
}

function mayStart(container: Container, pod: Pod, newest: ContainerRecord | undefined, kind: Kind): boolean {
  if (!newest || newest.state === 'CONTAINER_CREATED') return true;
  if (newest.state !== 'CONTAINER_EXITED' || kind === 'ephemeral') return false;
  return shouldRestart(container, pod.spec, newest.exitCode, kind === 'init');
}

function fromRecord(
  input: ContainerStatusInput,
  container: Container,
  record: ContainerRecord,
  kind: Kind,
): ContainerStatus {
  const isRunning = record.state === 'CONTAINER_RUNNING';
  const started = isRunning && (kind === 'ephemeral' || input.probes.isStarted(container.name, record.id));
  const completedInit =
    kind === 'init' && !isSidecar(container) && record.state === 'CONTAINER_EXITED' && record.exitCode === 0;
  const servesWhileItRuns = kind === 'app' || isSidecar(container);
  const { resources } = container;
  const given = input.resize?.givenTo(record.id) ?? resources;
  return {
    name: container.name,
    state: record.state === 'CONTAINER_CREATED' ? notYet(input.pod, kind) : stateOf(record, input.runtimeName),
    lastState: {},
    ready: completedInit || (servesWhileItRuns && started && input.probes.isReady(container.name, record.id)),
    restartCount: record.restartCount,
    image: record.image || container.image || '',
    imageID: record.imageRef,
    containerID: `${input.runtimeName}://${record.id}`,
    started: kind === 'init' && !isSidecar(container) ? isRunning : started,
    ...(resources?.requests ? { allocatedResources: resources.requests } : {}),
    resources: {
      ...(given?.limits ? { limits: given.limits } : {}),
      ...(given?.requests ? { requests: given.requests } : {}),
    },
    ...mountStatuses(container, input.hasRecursiveReadOnly),
    ...userOf(record),
    ...(kind === 'app' ? deviceStatuses(input, container) : {}),
  };
}

function mountStatuses({ volumeMounts = [] }: Container, canBeDeep = false): Pick<ContainerStatus, 'volumeMounts'> {
  if (volumeMounts.length === 0) return {};
  return {
    volumeMounts: volumeMounts.map(({ name, mountPath, readOnly, recursiveReadOnly = 'Disabled' }) => ({
      name,
      mountPath,
      ...(readOnly
        ? { readOnly, recursiveReadOnly: canBeDeep && recursiveReadOnly !== 'Disabled' ? 'Enabled' : 'Disabled' }
        : {}),
    })),
  };
}

function deviceStatuses(
  { devicesOf }: ContainerStatusInput,
  container: Container,
): Pick<ContainerStatus, 'allocatedResourcesStatus'> {
  const allocatedResourcesStatus = devicesOf?.(container) ?? [];
  return allocatedResourcesStatus.length > 0 ? { allocatedResourcesStatus } : {};
}

function userOf(record: ContainerRecord): Pick<ContainerStatus, 'user'> {
  if (!record.user) return {};
  const { uid, gid, supplementalGroups } = record.user;
  return {
    user: {
      linux: { uid, gid, ...(supplementalGroups.length ? { supplementalGroups: [...supplementalGroups] } : {}) },
    },
  };
}

/** Not in the runtime: not started yet, or gone though the API says it ran. */
function unseen(
  input: ContainerStatusInput,
  container: Container,
  before: ContainerStatus | undefined,
  kind: Kind,
): ContainerStatus {
  if (input.isRestartingAll && before && kind !== 'ephemeral') return takenAway(input, container, before);
  if (before?.state?.terminated) return { ...before };
  const status: ContainerStatus = {
    name: container.name,
    state: notYet(input.pod, kind),
    lastState: before?.lastState ?? {},
    ready: false,
    restartCount: before?.restartCount ?? 0,
    image: container.image ?? '',
    imageID: '',
    started: false,
    ...mountStatuses(container, input.hasRecursiveReadOnly),
  };
  const appsExist = input.pod.spec.containers.some(({ name }) =>
    input.runtime.containers.some((each) => each.name === name),
  );
  if (kind === 'init' && !isSidecar(container) && appsExist) {
    status.state = {
      terminated: {
        exitCode: 0,
        reason: 'Completed',
        message:
          'Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally',
      },
    };
    status.ready = true;
  } else if (before?.state?.running) {
    status.lastState = {
      terminated: {
        exitCode: 137,
        reason: 'ContainerStatusUnknown',
        message: 'The container could not be located when the pod was deleted.  The container used to be Running',
      },
    };
    if (!input.pod.metadata.deletionTimestamp) status.restartCount += 1;
  }
  return status;
}

/** Taken away for all of the pod to start anew. */
function takenAway(
  { hasRecursiveReadOnly }: ContainerStatusInput,
  container: Container,
  before: ContainerStatus,
): ContainerStatus {
  const wasCounted = before.state?.waiting !== undefined;
  const message = 'The container is removed because RestartAllContainers in place';
  return {
    name: container.name,
    state: wasCounted ? before.state! : { waiting: { reason: restartingAll, message } },
    lastState: wasCounted
      ? (before.lastState ?? {})
      : { terminated: { exitCode: 137, reason: restartingAll, message } },
    ready: false,
    restartCount: before.restartCount + (wasCounted ? 0 : 1),
    image: container.image ?? '',
    imageID: '',
    started: false,
    ...mountStatuses(container, hasRecursiveReadOnly),
  };
}

/** Not started for the first time. */
function notYet({ spec }: Pod, kind: Kind): ContainerState {
  const isInitializing = (spec.initContainers?.length ?? 0) > 0 && kind !== 'ephemeral';
  return { waiting: { reason: isInitializing ? 'PodInitializing' : 'ContainerCreating' } };
}

function stateOf(record: ContainerRecord, runtimeName: string): ContainerState {
  if (record.state === 'CONTAINER_RUNNING') return { running: { startedAt: rfc3339(record.startedAtMs) } };
  if (record.state !== 'CONTAINER_EXITED') return { waiting: {} };
  const message = record.terminationMessage || record.message;
  return {
    terminated: {
      exitCode: record.exitCode,
      ...(record.reason ? { reason: record.reason } : {}),
      ...(message ? { message } : {}),
      ...(record.startedAtMs > 0 ? { startedAt: rfc3339(record.startedAtMs) } : { startedAt: '1970-01-01T00:00:00Z' }),
      finishedAt: rfc3339(record.finishedAtMs),
      containerID: `${runtimeName}://${record.id}`,
    },
  };
}
