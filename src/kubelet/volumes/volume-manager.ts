// The volumes of the pods of this node: set up before containers start, kept up to date, taken down after the last ended.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, Volume } from '../../../generated/core-v1.ts';
import type { VolumeStats } from '../csi/volume-stats.ts';
import type { NodeFacts } from '../pods/field-ref.ts';
import type { Reference } from '../reference-cache.ts';
import { type GiveVolumeServices, giveVolume } from './give-volume.ts';
import { volumeDrivers } from './index.ts';
import { bindSubPath } from './sub-path.ts';
import type { ReadyVolume, VolumeContext, VolumeDriver, VolumeServices } from './volume-driver.ts';
import { VolumeFailure } from './volume-failure.ts';

export interface VolumeManagerOptions {
  /** Holds `pods/UID/…`. */
  readonly nodeDir: string;
  readonly services: VolumeServices & GiveVolumeServices;
}

export function driverOf(volume: Volume): VolumeDriver | undefined {
  return volumeDrivers.find(({ field }) => volume[field] !== undefined);
}

/** ConfigMaps and Secrets that a pod's volumes show. */
export function volumeReferences(pod: Pod): Reference[] {
  return (pod.spec.volumes ?? []).flatMap(
    (volume) => driverOf(volume)?.references?.(volume, pod.metadata.namespace!) ?? [],
  );
}

/** What pods need of their volumes. */
export interface PodVolumes {
  podDir(podUid: string): string;
  setUp(pod: Pod, facts: NodeFacts, signal: AbortSignal): Promise<Map<string, ReadyVolume>>;
  refresh(pod: Pod, facts: NodeFacts): Promise<void>;
  subPath(pod: Pod, volume: string, root: string, subPath: string, container: string, index: number): Promise<string>;
  /** Those that are set up, by name. */
  ready?(podUid: string): ReadonlyMap<string, ReadyVolume>;
  /** How full volumes are whose drivers say so. */
  stats?(podUid: string): Promise<readonly VolumeStats[]>;
  tearDown(podUid: string): Promise<void>;
  unmountAll(podUid: string): Promise<void>;
  podUids(): Promise<string[]>;
}

export class VolumeManager implements PodVolumes {
  readonly #options: VolumeManagerOptions;
  #memory: Promise<string> | undefined;
  readonly #ready = new Map<string, ReadonlyMap<string, ReadyVolume>>();

  constructor(options: VolumeManagerOptions) {
    this.#options = options;
  }

  podDir(podUid: string): string {
    return join(this.#options.nodeDir, 'pods', podUid);
  }

  /** By volume name. @throws VolumeFailure of the first volume that failed. */
  async setUp(pod: Pod, facts: NodeFacts, signal: AbortSignal): Promise<Map<string, ReadyVolume>> {
    const volumes = pod.spec.volumes ?? [];
    const ready = await Promise.all(volumes.map((volume) => this.#setUpOne(pod, volume, facts, signal)));
    const byName = new Map(volumes.map(({ name }, index) => [name, ready[index]!]));
    this.#ready.set(pod.metadata.uid!, byName);
    return byName;
  }

  ready(podUid: string): ReadonlyMap<string, ReadyVolume> {
    return this.#ready.get(podUid) ?? new Map();
  }

  /** Writes what changed in objects, labels or tokens. What does not come is told, and keeps no other volume from it. */
  async refresh(pod: Pod, facts: NodeFacts): Promise<void> {
    for (const volume of pod.spec.volumes ?? []) {
      const driver = driverOf(volume);
      if (!driver?.refresh) continue;
      try {
        await driver.refresh(await this.#context(pod, volume, driver, facts, new AbortController().signal));
      } catch (error) {
        const { events, log } = this.#options.services;
        const { reason, message } = failureOf(volume, error);
        log.debug('a volume was not refreshed', { pod: pod.metadata.name, error: message });
        if (!pod.metadata.deletionTimestamp) events.pod(pod, 'Warning', reason, message);
      }
    }
  }

  stats(podUid: string): Promise<readonly VolumeStats[]> {
    return this.#options.services.csi.stats(podUid);
  }

  /** Where a container's mount of a sub path leads. */
  subPath(pod: Pod, volume: string, root: string, subPath: string, container: string, index: number): Promise<string> {
    const target = join(this.podDir(pod.metadata.uid!), 'volume-subpaths', volume, container, String(index));
    return bindSubPath(this.#options.services.mounter, root, subPath, target);
  }

  /** Unmounts and removes all of a pod's folder. */
  async tearDown(podUid: string): Promise<void> {
    this.#ready.delete(podUid);
    const dir = this.podDir(podUid);
    const { mounter, tokens } = this.#options.services;
    await this.unmountAll(podUid);
    await rm(join(await this.#memoryRoot(), podUid), { recursive: true, force: true });
    // A mount that would not go must not lose its content to us.
    if ((await mounter.mountsBelow(dir)).length === 0) await rm(dir, { recursive: true, force: true });
    tokens.forget(podUid);
  }

  /** A pod is over but its object stays: memory is given back, files stay for who looks. */
  async unmountAll(podUid: string): Promise<void> {
    const { mounter, csi, iscsi } = this.#options.services;
    const dir = this.podDir(podUid);
    // Sub paths keep what they are parts of busy; what drivers mounted is for them to unmount.
    for (const point of await mounter.mountsBelow(join(dir, 'volume-subpaths'))) await mounter.unmount(point);
    await csi.tearDown(podUid);
    await iscsi.tearDown(podUid);
    for (const point of await mounter.mountsBelow(dir)) await mounter.unmount(point);
  }

  /** Pods that have a folder here. */
  async podUids(): Promise<string[]> {
    return readdir(join(this.#options.nodeDir, 'pods')).catch(() => []);
  }

  async #setUpOne(pod: Pod, volume: Volume, facts: NodeFacts, signal: AbortSignal): Promise<ReadyVolume> {
    const driver = driverOf(volume);
    if (!driver) {
      if (volume.image) return { hostPath: '', isReadOnly: true };
      throw new Error(`failed to get Plugin from volumeSpec for volume "${volume.name}" err=no volume plugin matched`);
    }
    try {
      const ready = await driver.setUp(await this.#context(pod, volume, driver, facts, signal));
      await giveVolume(pod, ready, this.#options.services);
      return ready;
    } catch (error) {
      throw signal.aborted ? error : failureOf(volume, error);
    }
  }

  async #context(
    pod: Pod,
    volume: Volume,
    driver: VolumeDriver,
    facts: NodeFacts,
    signal: AbortSignal,
  ): Promise<VolumeContext> {
    const uid = pod.metadata.uid!;
    return {
      pod,
      volume,
      facts,
      nodeDir: this.#options.nodeDir,
      dir: join(this.podDir(uid), 'volumes', `kubernetes.io~${driver.name}`, volume.name),
      memoryDir: join(await this.#memoryRoot(), uid, driver.name, volume.name),
      services: this.#options.services,
      signal,
    };
  }

  /** One tmpfs for the node: Secrets and tokens do not reach the disk. Where it cannot be mounted, a folder. */
  #memoryRoot(): Promise<string> {
    this.#memory ??= (async () => {
      const { mounter } = this.#options.services;
      const path = join(this.#options.nodeDir, 'memory');
      await mkdir(path, { recursive: true, mode: 0o755 });
      if (!(await mounter.mountsBelow(path)).includes(path))
        await mounter.mountTmpfs(path, { mode: '0755' }).catch(() => undefined);
      return path;
    })();
    return this.#memory;
  }
}

function failureOf({ name }: Volume, error: unknown): VolumeFailure {
  if (error instanceof VolumeFailure) return error;
  const message = `MountVolume.SetUp failed for volume "${name}" : ${(error as Error).message}`;
  return new VolumeFailure('FailedMount', message, { cause: error });
}
