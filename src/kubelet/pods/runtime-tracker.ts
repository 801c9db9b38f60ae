// What runs, pod by pod: a cache of the runtime, kept true by its events, by looking after each of our own actions, and by
// a relist now and then.
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { ContainerRuntime, ContainerStatus, SandboxStatus } from '../runtime/runtime.ts';
import { containerNameLabel, podUidLabel, restartCountAnnotation } from './labels.ts';

export interface ContainerRecord extends ContainerStatus {
  readonly sandboxId: string;
  readonly name: string;
  readonly podUid: string;
  readonly restartCount: number;
  /** What it wrote to its termination log, once it has ended. */
  readonly terminationMessage?: string;
}

/** Newest first, both. */
export interface PodRuntime {
  readonly sandboxes: readonly SandboxStatus[];
  readonly containers: readonly ContainerRecord[];
}

export const nothingRuns: PodRuntime = { sandboxes: [], containers: [] };

/** The newest container of that name. */
export function newestContainer(runtime: PodRuntime, name: string): ContainerRecord | undefined {
  return runtime.containers.find((container) => container.name === name);
}

export interface RuntimeTrackerOptions {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly log: Logger;
  /** Something of this pod changed. */
  readonly onChange: (podUid: string) => void;
  /** Reads the last words of a container that has ended. */
  readonly readTermination?: (container: ContainerRecord) => Promise<string>;
}

export class RuntimeTracker {
  readonly #sandboxes = new Map<string, SandboxStatus>();
  readonly #containers = new Map<string, ContainerRecord>();
  readonly #byPod = new Map<string, PodRuntime>();
  /** Of sandboxes and containers. */
  readonly #idsByPod = new Map<string, Set<string>>();
  /** Ended before we had heard that they began. */
  readonly #endedEarly = new Set<string>();
  readonly #options: RuntimeTrackerOptions;
  #lastError: string | undefined;

  constructor(options: RuntimeTrackerOptions) {
    this.#options = options;
  }

  stateOf(podUid: string): PodRuntime {
    let state = this.#byPod.get(podUid);
    if (state) return state;
    const ids = this.#idsByPod.get(podUid);
    if (!ids) return nothingRuns;
    const known = <T>(map: ReadonlyMap<string, T>): T[] => [...ids].flatMap((id) => map.get(id) ?? []);
    state = {
      sandboxes: known(this.#sandboxes).sort(newestFirst),
      containers: known(this.#containers).sort(newestFirst),
    };
    this.#byPod.set(podUid, state);
    return state;
  }

  podUids(): Set<string> {
    return new Set(this.#idsByPod.keys());
  }

  container(id: string): ContainerRecord | undefined {
    return this.#containers.get(id);
  }

  containers(): Iterable<ContainerRecord> {
    return this.#containers.values();
  }

  /** Why the runtime could not be asked, last time. */
  get error(): string | undefined {
    return this.#lastError;
  }

  async refreshContainer(
    id: string,
    sandboxId = this.#containers.get(id)?.sandboxId ?? '',
  ): Promise<ContainerRecord | undefined> {
    const status = await this.#options.runtime.containerStatus(id);
    const before = this.#containers.get(id);
    if (!status) {
      if (before) this.#forgetContainer(before);
      return undefined;
    }
    const podUid = status.labels[podUidLabel];
    if (!podUid) return undefined; // not ours
    let record: ContainerRecord = {
      ...status,
      sandboxId,
      podUid,
      name: status.labels[containerNameLabel] ?? status.metadata.name,
      restartCount: Number(status.annotations[restartCountAnnotation] ?? status.metadata.attempt),
    };
    if (record.state === 'CONTAINER_EXITED') {
      const message = before?.terminationMessage ?? (await this.#options.readTermination?.(record));
      if (message) record = { ...record, terminationMessage: message };
    }
    this.#containers.set(id, record);
    this.#index(podUid, id);
    if (record.state === 'CONTAINER_RUNNING' && this.#endedEarly.delete(id))
      void this.lookAfterExit(id).catch(() => undefined);
    if (!before || before.state !== record.state) this.#changed(podUid);
    else this.#byPod.delete(podUid);
    return record;
  }

  async refreshSandbox(id: string): Promise<SandboxStatus | undefined> {
    const status = await this.#options.runtime.sandboxStatus(id);
    const before = this.#sandboxes.get(id);
    if (!status) {
      if (before) this.forgetSandbox(id);
      return undefined;
    }
    const podUid = status.labels[podUidLabel];
    if (!podUid) return undefined;
    this.#sandboxes.set(id, status);
    this.#index(podUid, id);
    if (!before || before.state !== status.state || before.ips[0] !== status.ips[0]) this.#changed(podUid);
    return status;
  }

  forgetSandbox(id: string): void {
    const before = this.#sandboxes.get(id);
    this.#sandboxes.delete(id);
    if (before) this.#unindex(before.labels[podUidLabel]!, id);
  }

  forgetContainer(id: string): void {
    const before = this.#containers.get(id);
    if (before) this.#forgetContainer(before);
  }

  /** After an exit event: the runtime's CRI side may still say "running" for a moment. */
  async lookAfterExit(id: string): Promise<void> {
    for (const waitMs of [0, 15, 40, 100, 300, 1000]) {
      if (waitMs) await this.#options.clock.sleep(waitMs);
      if (this.#sandboxes.has(id)) {
        if ((await this.refreshSandbox(id))?.state !== 'SANDBOX_READY') return;
      } else {
        const known = this.#containers.get(id);
        if (!known) return void this.#rememberEnd(id);
        if ((await this.refreshContainer(id))?.state !== 'CONTAINER_RUNNING') return;
      }
    }
  }

  /** An action of ours is in flight, and will ask for this container in a moment. */
  #rememberEnd(id: string): void {
    this.#endedEarly.add(id);
    if (this.#endedEarly.size > 1_000) this.#endedEarly.delete(this.#endedEarly.values().next().value!);
  }

  /** Compares with two cheap lists; asks in detail only about what is new or has changed its state. */
  async relist(): Promise<void> {
    const { runtime } = this.#options;
    try {
      const [sandboxes, containers] = await Promise.all([runtime.listSandboxes(), runtime.listContainers()]);
      this.#lastError = undefined;
      const lookAt: (() => Promise<unknown>)[] = [];
      for (const { id, state, labels } of sandboxes)
        if (labels[podUidLabel] && this.#sandboxes.get(id)?.state !== state) lookAt.push(() => this.refreshSandbox(id));
      for (const { id, state, labels, sandboxId } of containers)
        if (labels[podUidLabel] && this.#containers.get(id)?.state !== state)
          lookAt.push(() => this.refreshContainer(id, sandboxId));
      const alive = new Set([...sandboxes, ...containers].map(({ id }) => id));
      for (const id of this.#sandboxes.keys()) if (!alive.has(id)) this.forgetSandbox(id);
      for (const record of this.#containers.values()) if (!alive.has(record.id)) this.#forgetContainer(record);
      while (lookAt.length > 0) await Promise.all(lookAt.splice(0, 16).map((look) => look()));
    } catch (error) {
      this.#lastError = error instanceof Error ? error.message : String(error);
      this.#options.log.warn('the container runtime did not answer', { error: this.#lastError });
    }
  }

  #forgetContainer(record: ContainerRecord): void {
    this.#containers.delete(record.id);
    this.#unindex(record.podUid, record.id);
  }

  #index(podUid: string, id: string): void {
    const ids = this.#idsByPod.get(podUid);
    if (ids) ids.add(id);
    else this.#idsByPod.set(podUid, new Set([id]));
  }

  #unindex(podUid: string, id: string): void {
    const ids = this.#idsByPod.get(podUid);
    ids?.delete(id);
    if (ids?.size === 0) this.#idsByPod.delete(podUid);
    this.#changed(podUid);
  }

  #changed(podUid: string): void {
    this.#byPod.delete(podUid);
    this.#options.onChange(podUid);
  }
}

function newestFirst(a: { createdAtMs: number }, b: { createdAtMs: number }): number {
  return b.createdAtMs - a.createdAtMs;
}
