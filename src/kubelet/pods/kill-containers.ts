// The graceful end of containers: hook, signal, patience, KILL. Apps together first, then sidecars in reverse order.
import type { Container, Pod } from '../../../generated/core-v1.ts';
import { isSidecar } from '../resources.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import { sayFallback } from './hooks.ts';
import type { PodServices } from './pod-services.ts';
import type { ContainerRecord } from './runtime-tracker.ts';

export interface KillOptions {
  readonly pod: Pod;
  readonly graceSeconds: number;
  readonly message?: string;
  /** The signal waits for this; hooks do not. */
  readonly beforeSignal?: Promise<void>;
}

export function containerSpec(pod: Pod, name: string): Container | undefined {
  const lists = [
    pod.spec.containers,
    pod.spec.initContainers ?? [],
    (pod.spec.ephemeralContainers ?? []) as Container[],
  ];
  return lists.flat().find((container) => container.name === name);
}

/** Settles when it has stopped and the tracker knows. */
export async function killContainer(
  services: PodServices,
  record: ContainerRecord,
  options: KillOptions,
): Promise<void> {
  const { pod, graceSeconds } = options;
  const { runtime, events, clock, tracker } = services;
  const spec = containerSpec(pod, record.name);
  events.container(pod, record.name, 'Normal', 'Killing', options.message ?? `Stopping container ${record.name}`);
  let remaining = graceSeconds;
  const hook = spec?.lifecycle?.preStop;
  if (hook && spec && graceSeconds > 0) {
    const begun = clock.monotonicMs();
    const podIP = tracker.stateOf(record.podUid).sandboxes[0]?.ips[0] ?? services.hostIPs[0] ?? '';
    const onFallback = sayFallback(events, pod);
    const target = { container: spec, containerId: record.id, podIP, runtime, clock, onFallback };
    const limit = clock.sleep(graceSeconds * 1000);
    const done = services.hook(hook, target, graceSeconds).catch(() => {
      events.container(pod, record.name, 'Warning', 'FailedPreStopHook', 'PreStopHook failed');
    });
    await Promise.race([done, limit]);
    remaining -= Math.floor((clock.monotonicMs() - begun) / 1000);
    // A hook that took all of the time leaves the container two seconds to hear the signal.
    remaining = Math.max(remaining, 2);
  }
  await options.beforeSignal;
  try {
    await runtime.stopContainer(record.id, Math.max(0, remaining));
  } catch (error) {
    // Ended by itself in the same moment: the runtime stumbles over that.
    await clock.sleep(100);
    if ((await tracker.refreshContainer(record.id))?.state === 'CONTAINER_RUNNING') throw error;
  }
  await tracker.lookAfterExit(record.id);
}

/** Not all of a pod could be stopped. */
export class PodKillFailure extends Error {
  /** One for each container or sandbox. */
  readonly causes: readonly string[];

  constructor(causes: readonly string[]) {
    super(causes.length === 1 ? causes[0] : `[${causes.join(', ')}]`);
    this.name = 'PodKillFailure';
    this.causes = causes;
  }
}

/** In the words of upstream's agent. */
export function killFailure(action: 'KillContainer' | 'KillPodSandbox', target: string, error: unknown): string {
  return `failed to "${action}" for "${target}" with ${action}Error: ${JSON.stringify(rpcErrorText(error))}`;
}

/** Every running container of a pod. @throws PodKillFailure when some go on, after all have been told to stop */
export async function killPodContainers(services: PodServices, options: KillOptions): Promise<void> {
  const { pod } = options;
  const running = services.tracker
    .stateOf(pod.metadata.uid!)
    .containers.filter(({ state }) => state === 'CONTAINER_RUNNING');
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
  const begun = services.clock.monotonicMs();
  const left = (): number => {
    const seconds = options.graceSeconds - Math.floor((services.clock.monotonicMs() - begun) / 1000);
    return options.graceSeconds === 0 ? 0 : Math.max(seconds, 2);
  };
  const others = running.filter(({ name }) => !sidecars.includes(name));
  const causes: string[] = [];
  const kill = (record: ContainerRecord, how: KillOptions) =>
    killContainer(services, record, how).catch((error) =>
      causes.push(killFailure('KillContainer', record.name, error)),
    );
  await Promise.all(others.map((record) => kill(record, options)));
  for (const name of sidecars.reverse())
    for (const record of running.filter((each) => each.name === name))
      await kill(record, { ...options, graceSeconds: left() });
  if (causes.length > 0) throw new PodKillFailure(causes);
}

/** All of a pod: what the runtime refuses leaves the rest to be stopped all the same. @throws PodKillFailure */
export async function killPod(services: PodServices, options: KillOptions): Promise<void> {
  const { runtime, tracker } = services;
  const { uid } = options.pod.metadata;
  const causes: string[] = [];
  await killPodContainers(services, options).catch((error) => {
    if (!(error instanceof PodKillFailure)) throw error;
    causes.push(...error.causes);
  });
  for (const sandbox of tracker.stateOf(uid!).sandboxes) {
    if (sandbox.state !== 'SANDBOX_READY') continue;
    try {
      await runtime.stopSandbox(sandbox.id);
      await tracker.refreshSandbox(sandbox.id);
    } catch (error) {
      causes.push(killFailure('KillPodSandbox', uid!, error));
    }
  }
  if (causes.length > 0) throw new PodKillFailure(causes);
}

/** Nothing is left of them in the runtime, and none is given time: the pod begins again in the same sandbox. */
export async function takeAway(services: PodServices, pod: Pod, records: readonly ContainerRecord[]): Promise<void> {
  for (const record of records) {
    const message = `Stopping container ${record.name}`;
    if (record.state === 'CONTAINER_RUNNING') await killContainer(services, record, { pod, graceSeconds: 0, message });
    await services.runtime.removeContainer(record.id);
    services.tracker.forgetContainer(record.id);
  }
}
