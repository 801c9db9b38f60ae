// Volumes of CSI drivers on this node: attached by others, then staged, published, grown, unpublished and unstaged here.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../../generated/core-v1.ts';
import type { VolumeAttachment } from '../../../generated/storage-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { untilSettled } from '../../base/signals.ts';
import type { EventRecorder } from '../../reconcile/controller.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import type { AttachableHolder, NodeAttachments } from '../volumes/node-attachments.ts';
import type { OutsideVolumes, ReadyVolume } from '../volumes/volume-driver.ts';
import { VolumeFailure } from '../volumes/volume-failure.ts';
import { Attachments } from './attachment.ts';
import { publishDevice, stageDevice, unpublishDevice, unstageDevice } from './block.ts';
import { type CsiContext, told } from './context.ts';
import { csiMessage, isResourceExhausted } from './csi-error.ts';
import type { CsiDrivers } from './drivers.ts';
import { expandIfAsked, InUseForExpansion } from './expand.ts';
import {
  type MountRequest,
  publishFilesystem,
  stageFilesystem,
  takesGroup,
  unpublishFilesystem,
  unstageFilesystem,
} from './filesystem.ts';
import type { Capabilities } from './node-client.ts';
import { loadVolumeData } from './volume-data.ts';
import type { CsiVolumeSpec } from './volume-spec.ts';
import { type VolumeStats, VolumeStatsReader } from './volume-stats.ts';
import { keyOf, type VolumeUse, VolumeUses } from './volume-uses.ts';

export interface CsiVolumesOptions {
  readonly context: CsiContext;
  readonly drivers: CsiDrivers;
  /** Whether it is known yet which drivers attach. */
  readonly knowsDrivers: () => boolean;
  readonly attachments: NodeAttachments;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A volume that a pod has. */
interface Mounted {
  readonly pod: Pod;
  readonly spec: CsiVolumeSpec;
  readonly path: string;
  readonly capabilities: Capabilities;
  readonly publishContext: Readonly<Record<string, string>>;
}

const lastWaitMs = 122_000;

export class CsiVolumes implements OutsideVolumes, AttachableHolder {
  readonly #options: CsiVolumesOptions;
  readonly #context: CsiContext;
  readonly #uses = new VolumeUses();
  readonly #attachments: Attachments;
  readonly #stats: VolumeStatsReader;
  /** By pod, by the pod's name of the volume. */
  readonly #mounted = new Map<string, Map<string, Mounted>>();
  /** Calls about a pod's volumes that have not ended. */
  readonly #going = new Map<string, Set<Promise<unknown>>>();
  #restored: Promise<void> | undefined;
  #wake: () => void = () => undefined;

  constructor(options: CsiVolumesOptions) {
    this.#options = options;
    this.#context = options.context;
    const { client, nodeName } = options.context;
    this.#stats = new VolumeStatsReader(options.context, options.clock);
    this.#attachments = new Attachments({
      nodeName,
      client,
      node: options.attachments,
      onRefused: (attachment, spec) => this.#onRefused(attachment, spec),
    });
  }

  /** What the node's status says; undefined while that is not known. */
  volumesInUse(): readonly string[] | undefined {
    if (!this.#options.knowsDrivers()) return undefined;
    return this.#uses
      .all()
      .filter(({ driver }) => this.#attaches(driver))
      .map(({ uniqueName }) => uniqueName);
  }

  /** May be repeated. @throws VolumeFailure, or the signal's reason when nobody wants it any more */
  async setUp(pod: Pod, spec: CsiVolumeSpec, signal: AbortSignal): Promise<ReadyVolume> {
    await this.#restore();
    const use = spec.mode === 'Persistent' ? this.#uses.of(spec) : undefined;
    use?.pods.add(pod.metadata.uid!);
    let publishContext: Record<string, string> = {};
    if (use && this.#attaches(spec.driver)) publishContext = await this.#attachments.untilAttached(spec, signal);
    // A driver that hangs keeps its volume, and not the pod's end.
    const mounting = this.#pending(pod, () => inTurn(use, () => this.#mount(pod, spec, use, publishContext)));
    await untilSettled(mounting, signal);
    signal.throwIfAborted();
    return mounting;
  }

  /** Publishes once more, for drivers that ask for it. */
  async refresh(pod: Pod, podVolume: string): Promise<void> {
    const mounted = this.#mounted.get(pod.metadata.uid!)?.get(podVolume);
    if (!mounted || mounted.spec.isBlock) return;
    if (!this.#context.driverObject(mounted.spec.driver)?.spec.requiresRepublish) return;
    const { spec } = mounted;
    const use = spec.mode === 'Persistent' ? this.#uses.of(spec) : undefined;
    const request = { ...mounted, pod, fsGroup: fsGroupOf(pod) };
    const publishing = this.#pending(pod, () => inTurn(use, () => publishFilesystem(this.#context, request, true)));
    await publishing.catch((error) => {
      throw failure('MountVolume.SetUp', spec, error);
    });
  }

  /** Unpublishes all that the pod has, or may have. @throws when a driver is not there or refuses; may be repeated */
  async tearDown(podUid: string): Promise<void> {
    await this.#restore();
    // What was begun ends first: it would be forgotten, and stay.
    await Promise.allSettled(this.#going.get(podUid) ?? []);
    const { layout } = this.#context;
    for (const name of await namesIn(layout.podVolumes(podUid))) {
      const folder = join(layout.podVolumes(podUid), name);
      const data = await loadVolumeData(folder);
      const use = data && data.volumeLifecycleMode !== 'Ephemeral' ? this.#uses.of(keyOf(data, false)) : undefined;
      await inTurn(use, () => unpublishFilesystem(this.#context, folder));
    }
    for (const name of await namesIn(layout.podDevices(podUid))) {
      const data = await loadVolumeData(join(layout.device(name), 'data'));
      await inTurn(data && this.#uses.of(keyOf(data, true)), () => unpublishDevice(this.#context, podUid, name));
    }
    this.#mounted.delete(podUid);
    this.#stats.forget(podUid);
    for (const { pods } of this.#uses.all()) pods.delete(podUid);
    this.#wake();
  }

  /** How full the pod's volumes are. */
  async stats(podUid: string): Promise<VolumeStats[]> {
    const mounted = [...(this.#mounted.get(podUid)?.values() ?? [])];
    const all = await Promise.all(mounted.map(({ spec, path }) => this.#stats.read(podUid, spec, path)));
    return all.filter((each) => each !== undefined);
  }

  /** Unstages what no pod uses, lets volumes grow, asks drivers how much fits. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, drivers } = this.#options;
    await this.#restore();
    for (let growsAtMs = clock.monotonicMs() + growMs; !signal.aborted; ) {
      await this.#unstageIdle();
      if (clock.monotonicMs() >= growsAtMs) {
        growsAtMs = clock.monotonicMs() + growMs;
        await this.#growAll();
      }
      await drivers.updateDue();
      await this.#pause(signal);
    }
  }

  #pending<T>({ metadata }: Pod, action: () => Promise<T>): Promise<T> {
    const uid = metadata.uid!;
    const going = this.#going.get(uid) ?? new Set();
    this.#going.set(uid, going);
    const ending = action().finally(() => {
      going.delete(ending);
      if (going.size === 0 && this.#going.get(uid) === going) this.#going.delete(uid);
    });
    going.add(ending);
    return ending;
  }

  #restore(): Promise<void> {
    this.#restored ??= this.#uses.restore(this.#context.layout);
    return this.#restored;
  }

  #attaches(driver: string): boolean {
    return this.#context.driverObject(driver)?.spec.attachRequired !== false;
  }

  async #mount(
    pod: Pod,
    spec: CsiVolumeSpec,
    use: VolumeUse | undefined,
    publishContext: Record<string, string>,
  ): Promise<ReadyVolume> {
    const capabilities = await this.#capabilities(spec);
    const request: MountRequest = { pod, spec, publishContext, capabilities, fsGroup: fsGroupOf(pod) };
    if (use && !use.isStaged) {
      const stage = spec.isBlock ? stageDevice : stageFilesystem;
      await stage(this.#context, request).catch((error) => {
        throw failure(spec.isBlock ? 'MapVolume.SetUpDevice' : 'MountVolume.MountDevice', spec, error);
      });
      use.isStaged = true;
    }
    const isRemount = this.#mounted.get(pod.metadata.uid!)?.has(spec.podVolume) ?? false;
    const publishing = spec.isBlock
      ? publishDevice(this.#context, request)
      : publishFilesystem(this.#context, request, isRemount);
    const path = await publishing.catch((error) => {
      throw failure(spec.isBlock ? 'MapVolume.MapPodDevice' : 'MountVolume.SetUp', spec, error);
    });
    if (use) await this.#growOnMount({ ...request, path }, use);
    const ofPod = this.#mounted.get(pod.metadata.uid!) ?? new Map<string, Mounted>();
    this.#mounted.set(pod.metadata.uid!, ofPod.set(spec.podVolume, { ...request, path }));
    if (!spec.isBlock) {
      const takesOwnership = takesGroup(spec, this.#context.driverObject(spec.driver), capabilities);
      return { hostPath: path, isReadOnly: spec.readOnly, takesOwnership };
    }
    if (!isRemount) this.#tellMapped(pod, spec);
    return { hostPath: '', isReadOnly: spec.readOnly, device: path };
  }

  async #capabilities(spec: CsiVolumeSpec): Promise<Capabilities> {
    const { isBlock, mode } = spec;
    const inline = mode === 'Ephemeral';
    const [what, problem] = isBlock
      ? ['MapVolume.SetUpDevice', 'blockMapper.SetUpDevice failed to get CSI client']
      : inline
        ? ['MountVolume.SetUp', 'mounter.SetUpAt failed to get CSI client']
        : ['MountVolume.MountDevice', 'attacher.MountDevice failed to create newCsiDriverClient'];
    if (!this.#options.drivers.has(spec.driver)) {
      const missing = `driver name ${spec.driver} not found in the list of registered CSI drivers`;
      throw failure(what!, spec, new Error(csiMessage(problem!, new Error(missing))));
    }
    return this.#context.drivers
      .client(spec.driver)
      .capabilities()
      .catch((error) => {
        throw failure(what!, spec, error);
      });
  }

  #tellMapped(pod: Pod, spec: CsiVolumeSpec): void {
    const { layout } = this.#context;
    const globalMapPath = told(this.#context, join(layout.device(spec.name), 'dev'));
    const volumeMapPath = told(this.#context, layout.podDevices(pod.metadata.uid!));
    for (const path of [`globalMapPath "${globalMapPath}"`, `volumeMapPath "${volumeMapPath}"`])
      this.#options.recorder.event(
        { ...pod, apiVersion: 'v1', kind: 'Pod' },
        'Normal',
        'SuccessfulMountVolume',
        `MapVolume.MapPodDevice succeeded for volume "${spec.name}" ${path}`,
      );
  }

  async #growOnMount(mounted: Mounted, use: VolumeUse): Promise<void> {
    try {
      await this.#grow(mounted, use);
    } catch (error) {
      if (error instanceof InUseForExpansion) return; // the pod may start; it grows when nobody uses it
      throw failure('MountVolume.Setup failed while expanding volume', mounted.spec, error, '');
    }
  }

  async #grow(mounted: Mounted, use: VolumeUse): Promise<void> {
    const { recorder, clock } = this.#options;
    use.size = await expandIfAsked(this.#context, { ...mounted, knownSize: use.size, recorder, clock });
  }

  /** Claims are looked at now and then: a node may not watch them. */
  async #growAll(): Promise<void> {
    const { recorder, log } = this.#options;
    for (const mounted of [...this.#mounted.values()].flatMap((ofPod) => [...ofPod.values()])) {
      const { pod, spec, capabilities } = mounted;
      if (spec.mode === 'Ephemeral' || !capabilities.has('EXPAND_VOLUME')) continue;
      const use = this.#uses.of(spec);
      await inTurn(use, () => this.#grow(mounted, use)).catch((error) => {
        log.warn('a volume has not grown', { volume: spec.name, problem: rpcErrorText(error) });
        if (error instanceof InUseForExpansion) return;
        const { message } = failure('NodeExpandVolume.NodeExpandVolume', spec, error);
        recorder.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, 'Warning', 'VolumeResizeFailed', message);
      });
    }
  }

  async #unstageIdle(): Promise<void> {
    const { clock, log, attachments } = this.#options;
    const idle = this.#uses.all().filter(({ pods, retryAtMs }) => pods.size === 0 && retryAtMs <= clock.monotonicMs());
    if (idle.length === 0) return;
    await Promise.all(
      idle.map((use) =>
        inTurn(use, () => this.#unstage(use)).catch((error) => {
          log.warn('a volume was not unstaged', { volume: use.uniqueName, problem: rpcErrorText(error) });
          use.retryAtMs = clock.monotonicMs() + use.waitMs;
          use.waitMs = Math.min(lastWaitMs, use.waitMs * 2);
        }),
      ),
    );
    await attachments.report();
  }

  async #unstage(use: VolumeUse): Promise<void> {
    if (use.pods.size > 0) return;
    const { layout } = this.#context;
    use.isStaged = false;
    if (use.isBlock) await unstageDevice(this.#context, use.name);
    else await unstageFilesystem(this.#context, layout.staged(use.driver, use.handle));
    if (use.pods.size === 0) this.#uses.forget(use);
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#wake = wake;
    signal.addEventListener('abort', wake, { once: true });
    const hasIdle = this.#uses.all().some(({ pods }) => pods.size === 0);
    using _ = clock.timer(hasIdle ? idleLookMs : lookMs, wake);
    await promise;
    signal.removeEventListener('abort', wake);
  }

  #onRefused({ status }: VolumeAttachment, { driver }: CsiVolumeSpec): void {
    if (!isResourceExhausted(status?.attachError?.errorCode)) return;
    if (!this.#context.driverObject(driver)?.spec.nodeAllocatableUpdatePeriodSeconds) return;
    void this.#options.drivers.update(driver).catch(() => undefined);
  }
}

const growMs = 10_000;
const lookMs = 5_000;
const idleLookMs = 500;

const fsGroupOf = ({ spec }: Pod): number | undefined => spec.securityContext?.fsGroup;

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** What is done with one volume happens one after the other; volumes of a pod alone have no such order. */
function inTurn<T>(use: VolumeUse | undefined, action: () => Promise<T>): Promise<T> {
  if (!use) return action();
  const result = use.turn.then(action);
  use.turn = result.catch(() => undefined);
  return result;
}

function failure(what: string, { name, isBlock }: CsiVolumeSpec, error: unknown, failed = ' failed'): VolumeFailure {
  if (error instanceof VolumeFailure) return error;
  const message = `${what}${failed} for volume ${JSON.stringify(name)} : ${rpcErrorText(error)}`;
  return new VolumeFailure(isBlock ? 'FailedMapVolume' : 'FailedMount', message, { cause: error });
}
