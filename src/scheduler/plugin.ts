// What a scheduling plugin is. One file a plugin in plugins/, one line in plugins/index.ts.
import type { PersistentVolume, PersistentVolumeClaim, Service } from '../../generated/core-v1.ts';
import type { StorageClass } from '../../generated/storage-v1.ts';
import type { Devices } from './devices/devices.ts';
import type { NodeView } from './node-cache.ts';
import type { PodView } from './pod-view.ts';

/** Why a node will not do. */
export interface Refusal {
  /** Counted in the message: `2 Insufficient cpu`. */
  readonly reason: string;
  /** No eviction of pods would change it. */
  readonly isFinal: boolean;
}

/** What happens in the world that can make a place for a pod. */
export type WorldChange =
  | 'node-added'
  | 'node-room'
  | 'node-labels'
  | 'node-taints'
  | 'pod-placed'
  | 'pod-gone'
  | 'pod-labels'
  | 'volumes'
  | 'devices';

/** What volumes there are. */
export interface Storage {
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  volumes(storageClass: string): readonly PersistentVolume[];
  storageClass(name: string): StorageClass | undefined;
  /** Names of volumes that pods on their way to a node were promised. */
  taken?(): Iterable<string>;
}

/** The world at the moment one pod is looked at. */
export interface Snapshot {
  readonly nodes: readonly NodeView[];
  /** Pods anywhere that keep others away; 0 lets a plugin skip the search for them. */
  readonly antiAffinityPods: number;
  /** Pods anywhere that care which pods are near them, for or against; likewise. */
  readonly affinityPods: number;
  readonly namespaceLabels: (namespace: string) => Readonly<Record<string, string>> | undefined;
  readonly services: (namespace: string) => readonly Service[];
  /** Absent: there are no volumes. */
  readonly storage?: Storage;
  /** Absent: there are no devices. */
  readonly devices?: Devices;
}

/** A plugin failed, in words for the pod's event: the pod is tried again. */
export class PluginError extends Error {}

/** No node would do, whatever it has: why. */
export class Blocked {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

export type NodeFilter = (node: NodeView) => readonly Refusal[];

export interface Filter {
  readonly name: string;
  /** After which changes a pod that was refused is looked at again. */
  readonly wokenBy: readonly WorldChange[];
  /** Work that is the same for every node. Undefined: this pod does not concern the plugin. */
  prepare(pod: PodView, snapshot: Snapshot): NodeFilter | Blocked | undefined;
}

export interface Score {
  readonly name: string;
  readonly weight: number;
  /** Gives a score for each node, 0 to 100, in their order. Undefined: no preference. */
  score(pod: PodView, nodes: readonly NodeView[], snapshot: Snapshot): readonly number[] | undefined;
}

export const accepted: readonly Refusal[] = [];
export const refused = (reason: string): readonly Refusal[] => [{ reason, isFinal: false }];
export const refusedForGood = (reason: string): readonly Refusal[] => [{ reason, isFinal: true }];

/** Stretches raw scores to 0…100; `reverse` when less is better. */
export function normalized(raw: readonly number[], { reverse = false } = {}): number[] {
  const highest = Math.max(0, ...raw);
  if (highest === 0) return raw.map(() => (reverse ? 100 : 0));
  return raw.map((value) => {
    const score = Math.floor((100 * value) / highest);
    return reverse ? 100 - score : score;
  });
}
