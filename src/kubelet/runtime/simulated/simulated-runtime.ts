// A container runtime in memory: containers that live as they are told to. For clusters of thousands of nodes on one
// machine, for users without root, and for tests that move the clock.
import type { Clock } from '../../../base/clock.ts';
import { GrpcError } from '../../../base/grpc.ts';
import { type Random, systemRandom, uuid } from '../../../base/random.ts';
import type {
  ContainerConfig,
  ContainerRuntime,
  ContainerStatus,
  ContainerSummary,
  ImageInfo,
  RuntimeEventHandler,
  SandboxConfig,
  SandboxStatus,
} from '../runtime.ts';

/** How one container lives. All times are after its start. */
export interface ContainerLife {
  readonly startDelayMs?: number;
  /** Ends by itself after this long; absent: when it is stopped. */
  readonly runMs?: number;
  readonly exitCode?: number;
  /** How long it takes to end after its stop signal. */
  readonly stopMs?: number;
}

export interface SimulatedRuntimeOptions {
  readonly clock: Clock;
  /** Of the names of containers; default: the system's. */
  readonly random?: Random;
  /** The life of a container, by what it was created with; default: runs until stopped. */
  readonly life?: (config: ContainerConfig, sandbox: SandboxConfig) => ContainerLife;
  /** Images that cannot be pulled. */
  readonly hasImage?: (image: string) => boolean;
  /** Answers exec; default: success without a word. */
  readonly exec?: (containerId: string, command: readonly string[]) => { exitCode: number; output?: string };
  /** Where a pod's address comes from and goes back to; default: counted up from 10.244.0.2. */
  readonly addresses?: SandboxAddresses;
}

export interface SandboxAddresses {
  take(config: SandboxConfig): Promise<string>;
  give(address: string): void;
}

interface Sandbox {
  status: SandboxStatus;
  readonly containers: Set<string>;
}

interface Container {
  status: ContainerStatus;
  readonly sandboxId: string;
  readonly life: ContainerLife;
  end?: Disposable | undefined;
}

export interface SimulatedRuntime extends ContainerRuntime {
  /** Ends a running container now, as a crash would. */
  crash(containerId: string, exitCode: number): void;
}

export function createSimulatedRuntime(options: SimulatedRuntimeOptions): SimulatedRuntime {
  const { clock, random = systemRandom } = options;
  const sandboxes = new Map<string, Sandbox>();
  const containers = new Map<string, Container>();
  const listeners = new Set<RuntimeEventHandler>();
  const addresses = options.addresses ?? countedUp();
  const newId = (): string => uuid(random).replaceAll('-', '');
  const emit = (id: string): void => {
    for (const listener of listeners) listener(id);
  };
  const need = <T>(map: ReadonlyMap<string, T>, id: string): T => {
    const found = map.get(id);
    if (!found) throw new GrpcError(`"${id}": not found`, 5);
    return found;
  };
  const end = (id: string, exitCode: number, reason: string): void => {
    const container = containers.get(id);
    if (container?.status.state !== 'CONTAINER_RUNNING') return;
    container.end?.[Symbol.dispose]();
    container.status = { ...container.status, state: 'CONTAINER_EXITED', finishedAtMs: clock.now(), exitCode, reason };
    emit(id);
  };
  const image = (name: string): ImageInfo => ({
    id: name,
    repoTags: [name],
    repoDigests: [],
    sizeBytes: 1_000_000,
    username: '',
    uid: 1000,
    pinned: false,
  });
  const noStreams = async (): Promise<never> => {
    throw new GrpcError('a simulated container has no streams', 12);
  };
  return {
    crash: (id, exitCode) => end(id, exitCode, exitCode === 0 ? 'Completed' : 'Error'),
    close: () => undefined,
    version: async () => ({ name: 'simulated', version: '1.0.0' }),
    features: async () => ({ supplementalGroupsPolicy: false, handlers: [] }),
    conditions: async () =>
      ['RuntimeReady', 'NetworkReady'].map((type) => ({ type, status: true, reason: '', message: '' })),
    async watchEvents(onEvent, signal) {
      listeners.add(onEvent);
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      listeners.delete(onEvent);
    },

    async runSandbox(config) {
      const id = newId();
      const networkMode = config.linux.securityContext.namespaceOptions.network;
      const { metadata, labels, annotations } = config;
      const ips = networkMode === 'NODE' ? [] : [await addresses.take(config)];
      sandboxes.set(id, {
        containers: new Set(),
        status: {
          id,
          metadata,
          labels,
          annotations,
          ips,
          networkMode,
          state: 'SANDBOX_READY',
          createdAtMs: clock.now(),
        },
      });
      return id;
    },
    async stopSandbox(id) {
      const sandbox = sandboxes.get(id);
      if (!sandbox) return;
      for (const containerId of sandbox.containers) end(containerId, 137, 'Error');
      if (sandbox.status.state === 'SANDBOX_READY') for (const ip of sandbox.status.ips) addresses.give(ip);
      sandbox.status = { ...sandbox.status, state: 'SANDBOX_NOTREADY' };
      emit(id);
    },
    removeSandbox: async (id) => void sandboxes.delete(id),
    sandboxStatus: async (id) => sandboxes.get(id)?.status,
    listSandboxes: async () => [...sandboxes.values()].map(({ status }) => status),

    async createContainer(sandboxId, config, sandbox) {
      const { containers: siblings } = need(sandboxes, sandboxId);
      const id = newId();
      siblings.add(id);
      const name = config.image.userSpecifiedImage ?? config.image.image;
      const status: ContainerStatus = {
        id,
        metadata: config.metadata,
        state: 'CONTAINER_CREATED',
        createdAtMs: clock.now(),
        startedAtMs: 0,
        finishedAtMs: 0,
        exitCode: 0,
        image: name,
        imageRef: name,
        reason: '',
        message: '',
        logPath: '',
        labels: config.labels,
        annotations: config.annotations,
      };
      containers.set(id, { status, sandboxId, life: options.life?.(config, sandbox) ?? {} });
      return id;
    },
    async startContainer(id) {
      const container = need(containers, id);
      const { startDelayMs = 0, runMs, exitCode = 0 } = container.life;
      if (startDelayMs > 0) await clock.sleep(startDelayMs);
      container.status = { ...container.status, state: 'CONTAINER_RUNNING', startedAtMs: clock.now() };
      if (runMs !== undefined)
        container.end = clock.timer(runMs, () => end(id, exitCode, exitCode === 0 ? 'Completed' : 'Error'));
    },
    async stopContainer(id, timeoutSeconds) {
      const container = containers.get(id);
      if (!container) return;
      const { stopMs = 0 } = container.life;
      const isPatient = stopMs <= timeoutSeconds * 1000;
      if (stopMs > 0) await clock.sleep(Math.min(stopMs, timeoutSeconds * 1000));
      if (isPatient) end(id, 0, 'Completed');
      else end(id, 137, 'Error');
    },
    async removeContainer(id) {
      const container = containers.get(id);
      if (!container) return;
      container.end?.[Symbol.dispose]();
      sandboxes.get(container.sandboxId)?.containers.delete(id);
      containers.delete(id);
    },
    containerStatus: async (id) => containers.get(id)?.status,
    listContainers: async () =>
      [...containers.values()].map(({ status, sandboxId }): ContainerSummary => ({ ...status, sandboxId })),
    updateContainerResources: async () => undefined,
    reopenContainerLog: async () => undefined,
    containerUsage: async () => [],

    async pullImage(name) {
      if (options.hasImage && !options.hasImage(name))
        throw new GrpcError(`failed to pull and unpack image "${name}": not found`, 5);
      return name;
    },
    imageStatus: async (name) => (!options.hasImage || options.hasImage(name) ? image(name) : undefined),
    listImages: async () => [],
    removeImage: async () => undefined,

    async execSync(id, command) {
      need(containers, id);
      const { exitCode, output = '' } = options.exec?.(id, command) ?? { exitCode: 0 };
      return { exitCode, stdout: Buffer.from(output), stderr: Buffer.alloc(0) };
    },
    execUrl: noStreams,
    attachUrl: noStreams,
    portForwardUrl: noStreams,
  };
}

function countedUp(): SandboxAddresses {
  let count = 1;
  return {
    take: async () => [10, 244 + ((++count >> 16) & 7), (count >> 8) & 255, count & 255].join('.'),
    give: () => undefined,
  };
}
