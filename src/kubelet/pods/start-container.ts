// Starts one container of a pod: image, environment, mounts, create, start, post-start hook.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, Secret } from '../../../generated/core-v1.ts';
import { withExtras } from '../devices/container-extras.ts';
import type { ImageAnswer, PullPolicy } from '../images/image-puller.ts';
import type { SandboxConfig, SandboxStatus } from '../runtime/runtime.ts';
import type { StartFailure } from '../status/container-statuses.ts';
import type { ReadyVolume } from '../volumes/volume-driver.ts';
import { containerConfig } from './container-config.ts';
import { containerMounts } from './container-mounts.ts';
import { ConfigError, containerEnvironment } from './environment.ts';
import { sayFallback } from './hooks.ts';
import { hostsFile } from './host-names.ts';
import { killContainer } from './kill-containers.ts';
import type { StartStep } from './plan.ts';
import type { PodServices } from './pod-services.ts';
import { newestContainer } from './runtime-tracker.ts';
import { volumeDevices } from './volume-devices.ts';

export interface StartInput {
  readonly pod: Pod;
  readonly step: StartStep;
  readonly sandbox: SandboxStatus;
  readonly sandboxConfig: SandboxConfig;
  readonly volumes: ReadonlyMap<string, ReadyVolume>;
  readonly pullSecrets: readonly Secret[];
  /** By volume: the images that are mounted, or why they are not here. */
  readonly imageVolumes: ReadonlyMap<string, ImageAnswer>;
  /** The runtime can make mounts read-only with all that is mounted below them. */
  readonly hasRecursiveReadOnly: boolean;
  readonly signal: AbortSignal;
}

export type StartOutcome = { readonly failure: StartFailure; readonly retryAfterMs: number } | undefined;

/** Undefined when it runs. Says in events what went wrong. */
export async function startContainer(services: PodServices, input: StartInput): Promise<StartOutcome> {
  const { pod, step, sandboxConfig, signal } = input;
  const { container } = step;
  const { images, events } = services;
  const missing = container.volumeMounts?.map(({ name }) => input.imageVolumes.get(name)).findLast(isRefusal);
  if (missing) {
    events.container(pod, container.name, 'Warning', 'Failed', `Error: ${missing.reason}`);
    return { failure: missing, retryAfterMs: missing.retryAfterMs };
  }
  const answer = await images.ensure({
    pod,
    container: container.name,
    image: container.image ?? '',
    policy: container.imagePullPolicy as PullPolicy | undefined,
    sandbox: sandboxConfig,
    pullSecrets: input.pullSecrets,
    signal,
  });
  if (!('image' in answer)) return { failure: answer, retryAfterMs: answer.retryAfterMs };
  if (signal.aborted) return undefined;
  try {
    return await createAndStart(services, input, answer.image);
  } catch (error) {
    if (!(error instanceof StageError)) throw error;
    const { reason, eventReason, text } = error;
    events.container(pod, container.name, 'Warning', eventReason, `Error: ${text}`);
    return { failure: { reason, message: text }, retryAfterMs: reason === 'RunContainerError' ? 0 : 2_000 };
  }
}

const isRefusal = (answer: ImageAnswer | undefined): answer is Exclude<ImageAnswer, { image: unknown }> =>
  answer !== undefined && 'reason' in answer;

class StageError extends Error {
  readonly reason: string;
  readonly eventReason: string;
  readonly text: string;

  constructor(reason: string, error: unknown) {
    const text = error instanceof Error ? error.message : String(error);
    super(text);
    this.reason = reason;
    this.eventReason = 'Failed';
    this.text = text;
  }
}

/** Errors of this stage get its reason; a pod that asks for the impossible, the reason for that. */
async function stage<T>(reason: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new StageError(error instanceof ConfigError ? 'CreateContainerConfigError' : reason, error);
  }
}

async function createAndStart(
  services: PodServices,
  input: StartInput,
  image: Parameters<typeof containerConfig>[2]['image'],
): Promise<StartOutcome> {
  const { pod, step, sandbox, sandboxConfig } = input;
  const { container } = step;
  const { runtime, tracker, events, volumes, clock } = services;
  const state = tracker.stateOf(pod.metadata.uid!);
  const podIPs = sandbox.ips.length > 0 ? sandbox.ips : services.hostIPs;
  const before = newestContainer(state, container.name);
  const reported = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find(
    ({ name }) => name === container.name,
  );
  // Where the runtime has forgotten the last one, its status counts; one without an ID counts the loss already.
  const forgotten = (reported?.restartCount ?? 0) + (reported?.containerID ? 1 : 0);
  const restartCount = before ? before.restartCount + 1 : forgotten;
  const users = sandboxConfig.linux.securityContext.namespaceOptions.usernsOptions;
  const config = await stage('CreateContainerConfigError', async () => {
    const facts = services.factsFor(pod, podIPs);
    const environment = await containerEnvironment({
      pod,
      container,
      facts,
      services: services.services(),
      objects: services.references,
      volumePath: (name) => input.volumes.get(name)?.hostPath,
    });
    const hosts = pod.spec.hostNetwork ? await readFile('/etc/hosts', 'utf8').catch(() => '') : '';
    const mounts = services.isSimulated
      ? []
      : await containerMounts({
          pod,
          container,
          volumes,
          ready: input.volumes,
          imageVolumes: input.imageVolumes,
          environment,
          restartCount,
          hasRecursiveReadOnly: input.hasRecursiveReadOnly,
          hostsFile: hostsFile(pod, podIPs, services.dns().clusterDomain, hosts),
        });
    const target =
      step.kind === 'ephemeral' ? (container as { targetContainerName?: string }).targetContainerName : undefined;
    const targetId = target ? newestContainer(state, target)?.id : undefined;
    if (!services.isSimulated)
      await mkdir(join(sandboxConfig.logDirectory, container.name), { recursive: true, mode: 0o755 });
    const plain = containerConfig(pod, container, {
      image,
      environment,
      mounts,
      devices: services.isSimulated ? [] : volumeDevices(container, input.volumes),
      restartCount,
      memoryCapacityBytes: services.memoryCapacityBytes,
      cpuLimits: services.cpuLimits,
      containerFiles: services.containerFiles,
      security: services.security,
      ...(users ? { users } : {}),
      ...(targetId ? { targetId } : {}),
    });
    const extras = await services.devices?.extrasFor(pod, container);
    return extras ? withExtras(plain, extras) : plain;
  });
  const id = await stage('CreateContainerError', () => runtime.createContainer(sandbox.id, config, sandboxConfig));
  events.container(pod, container.name, 'Normal', 'Created', 'Container created');
  try {
    await stage('RunContainerError', () => runtime.startContainer(id));
  } finally {
    await tracker.refreshContainer(id, sandbox.id);
  }
  events.container(pod, container.name, 'Normal', 'Started', 'Container started');
  const hook = container.lifecycle?.postStart;
  if (!hook) return undefined;
  try {
    const onFallback = sayFallback(events, pod);
    const target = { container, containerId: id, podIP: podIPs[0] ?? '', runtime, clock, onFallback };
    await services.hook(hook, target, 0, input.signal);
    return undefined;
  } catch (error) {
    events.container(pod, container.name, 'Warning', 'FailedPostStartHook', 'PostStartHook failed');
    const record = tracker.container(id);
    const graceSeconds = pod.spec.terminationGracePeriodSeconds ?? 30;
    if (record) await killContainer(services, record, { pod, graceSeconds, message: 'FailedPostStartHook' });
    return { failure: { reason: 'PostStartHookError', message: (error as Error).message }, retryAfterMs: 0 };
  }
}
