// iSCSI volumes of this node's pods: one login a target, one mount a disk, one bind mount a pod; taken back when the last pod has gone.
import { lstat, mkdir, realpath, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, SecretReference } from '../../../../generated/core-v1.ts';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/log.ts';
import { untilSettled } from '../../../base/signals.ts';
import { formatAndMount } from '../format-and-mount.ts';
import type { Mounter } from '../mounter.ts';
import type { AttachableHolder, NodeAttachments } from '../node-attachments.ts';
import type { IscsiVolumes, ReadyVolume } from '../volume-driver.ts';
import { VolumeFailure } from '../volume-failure.ts';
import { attach } from './attach.ts';
import { detach } from './detach.ts';
import { diskOf, fileSystemOf, type IscsiDisk, type IscsiRequest, secretOf } from './disk.ts';
import { DiskStore, type KnownDisk } from './disk-store.ts';
import type { ChapSecret } from './records.ts';
import { type IscsiMachine, thisMachine } from './settings.ts';
import { Turns } from './turns.ts';

export interface IscsiNodeOptions {
  readonly nodeDir: string;
  readonly mounter: Mounter;
  readonly clock: Clock;
  readonly log: Logger;
  readonly attachments: NodeAttachments;
  /** The Secret's data, decoded. @throws Error when it cannot be read */
  readonly secret: (reference: Required<SecretReference>) => Promise<ChapSecret>;
  readonly machine?: IscsiMachine;
}

const firstRetryMs = 500;
const lastRetryMs = 122_000;

export class IscsiNode implements IscsiVolumes, AttachableHolder {
  readonly #options: IscsiNodeOptions;
  readonly #machine: IscsiMachine;
  readonly #store: DiskStore;
  /** By target: what is done there happens one after the other. */
  readonly #targets = new Turns();
  /** By portal: its record is for all of its targets. */
  readonly #portals = new Turns();
  /** What was begun for a pod and has not ended. */
  readonly #going = new Map<string, Set<Promise<unknown>>>();
  #wake: () => void = () => undefined;
  #isWoken = false;

  constructor(options: IscsiNodeOptions) {
    this.#options = options;
    this.#machine = options.machine ?? thisMachine;
    this.#store = new DiskStore(options.nodeDir);
    options.attachments.add(this);
  }

  /** May be repeated. @throws VolumeFailure, or the signal's reason when nobody wants it any more */
  async setUp(pod: Pod, request: IscsiRequest, signal: AbortSignal): Promise<ReadyVolume> {
    const disk = await told(request, 'WaitForAttach', async () => diskOf(request));
    const working = this.#track(pod.metadata.uid!, this.#setUp(pod, request, disk, signal));
    await untilSettled(working, signal);
    signal.throwIfAborted();
    return working;
  }

  /** Takes all from a pod; what nobody else uses is given back a little later. May be repeated. */
  async tearDown(podUid: string): Promise<void> {
    // What was begun ends first: it would be forgotten, and stay.
    await Promise.allSettled(this.#going.get(podUid) ?? []);
    const { mounter } = this.#options;
    const used = (await this.#store.all()).filter(({ users }) => users.includes(podUid));
    if (used.length === 0) return;
    for (const point of await mounter.mountsBelow(this.#store.podVolumes(podUid))) await mounter.unmount(point);
    for (const known of used) await this.#store.removeUser(known, podUid);
    this.#isWoken = true;
    this.#wake();
  }

  /** All that may be logged in to, whether a pod still uses it or not. */
  async volumesInUse(): Promise<readonly string[]> {
    return (await this.#store.all()).flatMap(({ disk }) => disk.uniqueNames ?? []);
  }

  /** Gives back what no pod uses, and what an agent before this one left. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#store.forgetLostPods();
    for (let waitMs = firstRetryMs; !signal.aborted; ) {
      this.#isWoken = false;
      const isDone = await this.#detachIdle(signal);
      await this.#pause(isDone ? undefined : waitMs, signal);
      waitMs = isDone ? firstRetryMs : Math.min(lastRetryMs, waitMs * 2);
    }
  }

  /** The turn is given away while the disk is waited for: others of the target go on. */
  async #setUp(pod: Pod, request: IscsiRequest, disk: IscsiDisk, signal: AbortSignal): Promise<ReadyVolume> {
    const uid = pod.metadata.uid!;
    await this.#targets.take(disk.iqn, signal, async () => {
      await mkdir(this.#store.podDir(uid), { recursive: true, mode: 0o750 });
      await this.#store.addUser(disk, uid);
    });
    const awaited = { uniqueName: disk.uniqueNames[0]!, podVolume: request.podVolume };
    await this.#options.attachments.untilAttached(awaited, signal, async () => true);
    return this.#targets.take(disk.iqn, signal, () => this.#mount(pod, request, disk, signal));
  }

  async #mount(pod: Pod, request: IscsiRequest, disk: IscsiDisk, signal: AbortSignal): Promise<ReadyVolume> {
    signal.throwIfAborted();
    const uid = pod.metadata.uid!;
    if (disk.isBlock) return this.#map(pod, request, disk, signal);
    const shared = this.#store.mountPoint(disk);
    if (!(await this.#isMounted(shared))) await this.#mountShared(pod, request, disk, shared, signal);
    const own = join(this.#store.podVolumes(uid), request.name);
    await told(request, 'SetUp', async () => {
      if (await this.#isMounted(own)) return;
      await mkdir(own, { recursive: true, mode: 0o750 });
      await this.#options.mounter.bind(shared, own);
    });
    return { hostPath: own, isReadOnly: request.isReadOnly, takesOwnership: !request.isReadOnly };
  }

  async #mountShared(
    pod: Pod,
    request: IscsiRequest,
    disk: IscsiDisk,
    target: string,
    signal: AbortSignal,
  ): Promise<void> {
    const path = await this.#attach(pod, request, disk, signal);
    await told(request, 'MountDevice', async () => {
      // Once: what was looked at must be what is formatted.
      const device = await realpath(path);
      const fsType = fileSystemOf(request.source.fsType);
      const options = [...(request.isReadOnly ? ['ro'] : []), ...request.mountOptions];
      await mkdir(target, { recursive: true, mode: 0o750 });
      await formatAndMount(this.#options.mounter, { device, target, fsType, options }, signal, this.#machine.run);
    });
  }

  /** The device itself is for the pod; a link tells which one it is. */
  async #map(pod: Pod, request: IscsiRequest, disk: IscsiDisk, signal: AbortSignal): Promise<ReadyVolume> {
    const path = await this.#attach(pod, request, disk, signal);
    return told(request, 'MapPodDevice', async () => {
      const device = await realpath(path);
      if (!(await stat(device)).isBlockDevice()) throw new Error(`${device} is no block device`);
      const folder = this.#store.podDevices(pod.metadata.uid!);
      await mkdir(folder, { recursive: true, mode: 0o750 });
      const link = join(folder, request.name);
      if (await lstat(link).catch(() => undefined)) await rm(link);
      await symlink(device, link);
      return { hostPath: '', isReadOnly: request.isReadOnly, device };
    });
  }

  async #attach(pod: Pod, request: IscsiRequest, disk: IscsiDisk, signal: AbortSignal): Promise<string> {
    const reference = secretOf(request, pod.metadata.namespace ?? '');
    const secret = reference && (await told(request, 'Secret', () => this.#options.secret(reference)));
    const { chapAuthDiscovery, chapAuthSession } = request.source;
    return told(request, 'WaitForAttach', () =>
      attach(disk, {
        machine: this.#machine,
        portals: this.#portals,
        clock: this.#options.clock,
        discoveryChap: chapAuthDiscovery ? (secret ?? {}) : undefined,
        sessionChap: chapAuthSession ? (secret ?? {}) : undefined,
        signal,
      }),
    );
  }

  async #isMounted(path: string): Promise<boolean> {
    return (await this.#options.mounter.mountsBelow(path)).includes(path);
  }

  /** False when something is left to be done. */
  async #detachIdle(signal: AbortSignal): Promise<boolean> {
    const idle = (await this.#store.all()).filter(({ users }) => users.length === 0);
    const done = await Promise.all(
      idle.map((known) =>
        this.#targets
          .take(known.disk.iqn, signal, () => this.#detachUnlessUsed(known, signal))
          .then(
            () => true,
            (error) => {
              if (!signal.aborted) this.#tellLeft(known, error);
              return false;
            },
          ),
      ),
    );
    if (done.includes(true)) await this.#options.attachments.report();
    return done.every(Boolean);
  }

  async #detachUnlessUsed({ folder }: KnownDisk, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { mounter } = this.#options;
    const known = (await this.#store.all()).find((each) => each.folder === folder);
    if (known?.users.length === 0)
      await detach(known, { machine: this.#machine, portals: this.#portals, store: this.#store, mounter, signal });
  }

  #tellLeft({ disk }: KnownDisk, error: Error): void {
    const { iqn, lun } = disk;
    this.#options.log.warn('an iSCSI disk is not given back yet', { target: iqn, lun, problem: error.message });
  }

  #track<T>(podUid: string, work: Promise<T>): Promise<T> {
    const going = this.#going.get(podUid) ?? new Set();
    this.#going.set(podUid, going);
    const ending = work.finally(() => {
      going.delete(ending);
      if (going.size === 0 && this.#going.get(podUid) === going) this.#going.delete(podUid);
    });
    going.add(ending);
    // Who waits for it may have left.
    ending.catch(() => undefined);
    return ending;
  }

  async #pause(waitMs: number | undefined, signal: AbortSignal): Promise<void> {
    if (this.#isWoken || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#wake = wake;
    signal.addEventListener('abort', wake, { once: true });
    using _timer = waitMs === undefined ? undefined : this.#options.clock.timer(waitMs, wake);
    await promise;
    signal.removeEventListener('abort', wake);
  }
}

type Step = 'WaitForAttach' | 'MountDevice' | 'SetUp' | 'MapPodDevice' | 'Secret';

/** @throws VolumeFailure as upstream tells what failed in which step */
async function told<T>({ name, isBlock }: IscsiRequest, step: Step, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    const kind = isBlock ? 'MapVolume' : 'MountVolume';
    const initialization = isBlock ? 'NewBlockVolumeMapper initialization' : 'NewMounter initialization';
    const what = step === 'Secret' ? initialization : step;
    const message = `${kind}.${what} failed for volume "${name}" : ${(error as Error).message}`;
    throw new VolumeFailure(isBlock ? 'FailedMapVolume' : 'FailedMount', message, { cause: error });
  }
}
