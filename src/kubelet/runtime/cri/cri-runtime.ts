// The container runtime behind a CRI socket: containerd 1.6 to 2.x, CRI-O.
import { type Clock, systemClock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/log.ts';
import { isNotFoundError, isUnimplementedError } from '../rpc-error.ts';
import type { ContainerRuntime, ContainerUsage, ImageInfo, RuntimeFacts, RuntimeFeatures } from '../runtime.ts';
import { followContainerEvents } from './container-events.ts';
import { followTaskExits } from './containerd-events.ts';
import { type CriMessage, connectCri } from './cri-connection.ts';
import { runtimeFacts } from './runtime-facts.ts';

export interface CriRuntimeOptions {
  readonly socketPath: string;
  /** Of a runtime that serves images elsewhere; default: the same. */
  readonly imageSocketPath?: string;
  readonly clock?: Clock;
  readonly log: Logger;
}

export interface CriRuntime extends ContainerRuntime {
  /** How it is set up, as far as it tells: none of these calls is one that every runtime has. */
  facts(): Promise<RuntimeFacts>;
}

/** Creates the client; nothing is dialled before the first call. */
export function createCriRuntime(options: CriRuntimeOptions): CriRuntime {
  const { socketPath, imageSocketPath, clock = systemClock, log } = options;
  const cri = connectCri(socketPath);
  const images = imageSocketPath ? connectCri(imageSocketPath) : cri;
  const call = cri.call;
  return {
    close() {
      cri.close();
      if (images !== cri) images.close();
    },
    facts: () => runtimeFacts(cri, images),
    version: async () => {
      const answer = await call('Version', {}, { timeoutMs: 5_000 });
      return { name: answer.runtimeName, version: answer.runtimeVersion };
    },
    conditions: async () => (await call('Status', {}, { timeoutMs: 5_000 })).status.conditions,
    features: async () => featuresOf(await call('Status', {}, { timeoutMs: 5_000 })),

    runSandbox: async (config, handler = '') =>
      (await call('RunPodSandbox', { config, runtimeHandler: handler }, { timeoutMs: 240_000 })).podSandboxId,
    stopSandbox: async (id) => void (await call('StopPodSandbox', { podSandboxId: id }).catch(ignoreNotFound)),
    removeSandbox: async (id) => void (await call('RemovePodSandbox', { podSandboxId: id }).catch(ignoreNotFound)),
    async sandboxStatus(id) {
      const answer = await call('PodSandboxStatus', { podSandboxId: id }).catch(ignoreNotFound);
      if (!answer?.status) return undefined;
      const { status } = answer;
      return {
        ...sandboxSummary(status),
        ips: [status.network?.ip, ...(status.network?.additionalIps ?? []).map((each: CriMessage) => each.ip)].filter(
          Boolean,
        ),
        networkMode: status.linux?.namespaces?.options?.network ?? 'POD',
      };
    },
    listSandboxes: async () => (await call('ListPodSandbox', {})).items.map(sandboxSummary),

    createContainer: async (sandboxId, config, sandbox) => {
      const envs = config.envs.map(({ key, value }) => ({
        key,
        value: typeof value === 'string' ? Buffer.from(value) : value,
      }));
      const request = { podSandboxId: sandboxId, config: { ...config, envs }, sandboxConfig: sandbox };
      return (await call('CreateContainer', request)).containerId;
    },
    startContainer: async (id) => void (await call('StartContainer', { containerId: id })),
    stopContainer: async (id, timeoutSeconds) => {
      const options = { timeoutMs: (timeoutSeconds + 120) * 1000 };
      await call('StopContainer', { containerId: id, timeout: timeoutSeconds }, options).catch(ignoreNotFound);
    },
    removeContainer: async (id) => void (await call('RemoveContainer', { containerId: id }).catch(ignoreNotFound)),
    async containerStatus(id) {
      const answer = await call('ContainerStatus', { containerId: id }).catch(ignoreNotFound);
      return answer?.status ? containerStatusOf(answer.status) : undefined;
    },
    listContainers: async () =>
      (await call('ListContainers', {})).containers.map((each: CriMessage) => ({
        id: each.id,
        sandboxId: each.podSandboxId,
        metadata: each.metadata,
        state: each.state,
        createdAtMs: millis(each.createdAt),
        labels: each.labels,
        annotations: each.annotations,
        imageNames: [each.imageRef, each.imageId, each.image?.image].filter(Boolean),
      })),
    updateContainerResources: async (id, resources) =>
      void (await call('UpdateContainerResources', { containerId: id, linux: resources })),
    reopenContainerLog: async (id) => void (await call('ReopenContainerLog', { containerId: id })),
    containerUsage: async () => (await call('ListContainerStats', {}, { timeoutMs: 10_000 })).stats.map(usageOf),

    pullImage: async (image, auth, sandbox, signal) => {
      const request = { image: { image }, sandboxConfig: sandbox, ...(auth ? { auth } : {}) };
      return (await images.call('PullImage', request, { timeoutMs: 3_600_000, ...(signal ? { signal } : {}) }))
        .imageRef;
    },
    async imageStatus(image) {
      const answer = await images.call('ImageStatus', { image: { image } });
      return answer.image?.id ? imageOf(answer.image) : undefined;
    },
    listImages: async () => (await images.call('ListImages', {})).images.map(imageOf),
    removeImage: async (image) => void (await images.call('RemoveImage', { image: { image } })),

    async execSync(id, command, timeoutSeconds) {
      const timeoutMs = timeoutSeconds > 0 ? timeoutSeconds * 1000 + 2_000 : 3_600_000;
      const request = { containerId: id, cmd: command, timeout: timeoutSeconds };
      const answer = await call('ExecSync', request, { timeoutMs });
      return { stdout: answer.stdout, stderr: answer.stderr, exitCode: answer.exitCode };
    },
    execUrl: async (id, command, options) => (await call('Exec', { containerId: id, cmd: command, ...options })).url,
    attachUrl: async (id, options) => (await call('Attach', { containerId: id, ...options })).url,
    portForwardUrl: async (sandboxId, ports) =>
      (await call('PortForward', { podSandboxId: sandboxId, port: ports })).url,

    async watchEvents(onEvent, signal) {
      let follow = followContainerEvents;
      while (!signal.aborted) {
        try {
          await follow(cri, onEvent, signal);
        } catch (error) {
          if (isUnimplementedError(error) && follow === followContainerEvents) {
            // containerd before 1.7 has events of its own instead.
            follow = ({ channel }, ...rest) => followTaskExits(channel, ...rest);
            continue;
          }
          log.debug('event stream of the runtime ended', { error: String(error) });
        }
        if (signal.aborted) return;
        await clock.sleep(1_000, signal);
        // What happened while nobody listened is found by looking at everything.
        onEvent(undefined);
      }
    },
  };
}

function featuresOf({ features, runtimeHandlers }: CriMessage): RuntimeFeatures {
  return {
    supplementalGroupsPolicy: features?.supplementalGroupsPolicy ?? false,
    handlers: runtimeHandlers.map(({ name, features }: CriMessage) => ({
      name,
      recursiveReadOnlyMounts: features?.recursiveReadOnlyMounts ?? false,
      userNamespaces: features?.userNamespaces ?? false,
    })),
  };
}

function ignoreNotFound(error: unknown): undefined {
  if (isNotFoundError(error)) return undefined;
  throw error;
}

/** Nanoseconds as a decimal string to milliseconds. What has no time is 0, or Go's year 1 in a CRI-O that counts it from 1970. */
function millis(nanoseconds: string): number {
  return Math.max(0, Number(nanoseconds) / 1e6);
}

function sandboxSummary(sandbox: CriMessage) {
  return {
    id: sandbox.id,
    metadata: sandbox.metadata,
    state: sandbox.state,
    createdAtMs: millis(sandbox.createdAt),
    labels: sandbox.labels,
    annotations: sandbox.annotations,
  };
}

function containerStatusOf(status: CriMessage) {
  const user = status.user?.linux;
  return {
    id: status.id,
    metadata: status.metadata,
    state: status.state,
    createdAtMs: millis(status.createdAt),
    startedAtMs: millis(status.startedAt),
    finishedAtMs: millis(status.finishedAt),
    exitCode: status.exitCode,
    image: status.image?.image ?? '',
    imageRef: status.imageRef,
    reason: status.reason,
    message: status.message,
    logPath: status.logPath,
    labels: status.labels,
    annotations: status.annotations,
    ...(user
      ? {
          user: {
            uid: Number(user.uid),
            gid: Number(user.gid),
            supplementalGroups: (user.supplementalGroups as string[]).map(Number),
          },
        }
      : {}),
  };
}

/** An older CRI-O says `<none>:<none>` of an image without a name. */
const isName = (name: string) => !name.startsWith('<none>');

function imageOf(image: CriMessage): ImageInfo {
  return {
    id: image.id,
    repoTags: image.repoTags.filter(isName),
    repoDigests: image.repoDigests.filter(isName),
    sizeBytes: Number(image.size),
    username: image.username,
    pinned: image.pinned,
    ...(image.uid ? { uid: Number(image.uid.value) } : {}),
  };
}

function usageOf(stats: CriMessage): ContainerUsage {
  const value = (wrapped: { value: string } | null | undefined) => Number(wrapped?.value ?? 0);
  return {
    id: stats.attributes.id,
    labels: stats.attributes.labels,
    timestampMs: millis(stats.cpu?.timestamp ?? '0'),
    cpuNanoSeconds: value(stats.cpu?.usageCoreNanoSeconds),
    memoryWorkingSetBytes: value(stats.memory?.workingSetBytes),
    memoryUsageBytes: value(stats.memory?.usageBytes),
    memoryRssBytes: value(stats.memory?.rssBytes),
    writableLayerBytes: value(stats.writableLayer?.usedBytes),
    writableLayerInodes: value(stats.writableLayer?.inodesUsed),
    ...(stats.cpu?.usageNanoCores ? { cpuNanoCores: value(stats.cpu.usageNanoCores) } : {}),
  };
}
