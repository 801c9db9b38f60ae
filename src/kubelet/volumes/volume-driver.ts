// What a type of volume is. A new type is one file and one line in index.ts.
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../../generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { CsiVolumeSpec } from '../csi/volume-spec.ts';
import type { VolumeStats } from '../csi/volume-stats.ts';
import type { ReferencedReader } from '../pods/environment.ts';
import type { NodeFacts } from '../pods/field-ref.ts';
import type { Reference } from '../reference-cache.ts';
import type { IscsiRequest } from './iscsi/disk.ts';
import type { LocalVolumes } from './local-volumes.ts';
import type { Mounter } from './mounter.ts';
import type { TokenSource } from './token-source.ts';

export interface ClaimReader {
  claim(namespace: string, name: string): Promise<PersistentVolumeClaim | undefined>;
  volume(name: string): Promise<PersistentVolume | undefined>;
}

/** Volumes of drivers outside: src/kubelet/csi. */
export interface OutsideVolumes {
  /** May be repeated. */
  setUp(pod: Pod, spec: CsiVolumeSpec, signal: AbortSignal): Promise<ReadyVolume>;
  refresh(pod: Pod, podVolume: string): Promise<void>;
  /** How full those of a pod are, as far as drivers say. */
  stats(podUid: string): Promise<readonly VolumeStats[]>;
  /** All of a pod. @throws while a driver does not let go; may be repeated */
  tearDown(podUid: string): Promise<void>;
}

/** Disks of iSCSI targets: ./iscsi. */
export interface IscsiVolumes {
  /** May be repeated. */
  setUp(pod: Pod, request: IscsiRequest, signal: AbortSignal): Promise<ReadyVolume>;
  /** All of a pod; may be repeated. */
  tearDown(podUid: string): Promise<void>;
}

/** What drivers may use. */
export interface VolumeServices {
  readonly objects: ReferencedReader;
  readonly claims: ClaimReader;
  readonly tokens: TokenSource;
  readonly mounter: Mounter;
  readonly localVolumes: LocalVolumes;
  readonly csi: OutsideVolumes;
  readonly iscsi: IscsiVolumes;
  readonly clock: Clock;
}

export interface VolumeContext {
  readonly pod: Pod;
  readonly volume: Volume;
  readonly facts: NodeFacts;
  /** The node's folder: what /var/lib/kubelet is elsewhere. */
  readonly nodeDir: string;
  /** This volume's own folder; not made yet. */
  readonly dir: string;
  /** The same in memory, for what should not reach the disk. */
  readonly memoryDir: string;
  readonly services: VolumeServices;
  /** Nobody wants the volume any more. */
  readonly signal: AbortSignal;
}

export interface ReadyVolume {
  readonly hostPath: string;
  /** Containers may not write, whatever their mounts say. */
  readonly isReadOnly: boolean;
  /** The pod's fsGroup owns what is in it. */
  readonly takesOwnership?: boolean;
  /** A block device on this machine; `hostPath` is '' then. */
  readonly device?: string;
}

export interface VolumeDriver {
  /** The field of `Volume` that asks for it. */
  readonly field: keyof Volume;
  /** Folder `kubernetes.io~NAME`. */
  readonly name: string;
  /** May be repeated. @throws with a message for the event. */
  setUp(context: VolumeContext): Promise<ReadyVolume>;
  /** Brings the content up to date; absent where it does not follow anything. */
  refresh?(context: VolumeContext): Promise<void>;
  references?(volume: Volume, namespace: string): Reference[];
}
