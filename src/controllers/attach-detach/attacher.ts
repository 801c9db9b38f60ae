// What a plugin of attachable volumes is to the controller. A new one is a file and a line in attachers.ts.
import type { PersistentVolume, PersistentVolumeSpec, Volume } from '../../../generated/core-v1.ts';

/** A volume as a pod asks for it. */
export interface AttachableVolume {
  /** What it is on: volumes with the same name here are the same disk, whatever objects tell of it. */
  readonly disk: string;
  /** As events call it: the PersistentVolume, or the volume of the pod. */
  readonly name: string;
  /** One node at a time. */
  readonly isExclusive: boolean;
  /** Absent where the pod names the disk itself. */
  readonly persistent?: PersistentVolume;
}

export interface AttachOutcome {
  readonly isAttached: boolean;
  /** Why it is not; undefined while it is on its way. */
  readonly problem?: string | undefined;
}

export interface Attacher {
  /** Disks' names begin with it. */
  readonly prefix: string;
  /** The disk of a PersistentVolume of this plugin. */
  ofPersistent(spec: PersistentVolumeSpec): string | undefined;
  /** The disk that a pod names itself; absent where none can. */
  ofPod?(volume: Volume): string | undefined;
  /** Whether disks like this one are attached at all. */
  attaches(disk: string): boolean;
  /** Nodes that have the disk, or may have it, beside those that are known to. */
  nodesWith(disk: string): readonly string[];
  /** Goes on with it; may be repeated. */
  attach(volume: AttachableVolume, nodeName: string, signal: AbortSignal): Promise<AttachOutcome>;
  /** True when the node does not have it any more; false while it leaves. May be repeated. */
  detach(disk: string, nodeName: string, signal: AbortSignal): Promise<boolean>;
}

/** Volumes in pods say nothing of it, nor do PersistentVolumes without access modes: the plugin itself has to refuse. */
export function isExclusive({ spec }: PersistentVolume): boolean {
  const modes = spec?.accessModes ?? [];
  return modes.length > 0 && !modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
}
