// What a scheduling plugin is. One file a plugin in plugins/, one line in plugins/index.ts.
import type { PersistentVolume, PersistentVolumeClaim, Service } from '../../generated/core-v1.ts';
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
} from '../../generated/storage-v1.ts';
import type { Devices } from './devices/devices.ts';
import type { NodeCache, NodeView } from './node-cache.ts';
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
  | 'node-features'
  | 'pod-placed'
  | 'pod-gone'
  | 'pod-labels'
  | 'volumes'
  | 'devices';

/** One such change. */
export interface Change {
  readonly type: WorldChange;
  /** The node that changed, or on which the pod is or was. */
  readonly node?: NodeView | undefined;
  /** The pod that was placed, changed or has gone. */
  readonly pod?: PodView | undefined;
  /** What changed among volumes. */
  readonly stored?: StorageChange;
}

/** Something that has to do with volumes is new or has changed; an attachment has gone. */
export type StorageChange =
  | { readonly kind: 'claim'; readonly key: string }
  | { readonly kind: 'volume'; readonly object: PersistentVolume; readonly previous?: PersistentVolume }
  | { readonly kind: 'class'; readonly object: StorageClass; readonly previous?: StorageClass }
  | { readonly kind: 'csi-node'; readonly object: CSINode; readonly previous?: CSINode }
  | { readonly kind: 'driver'; readonly object: CSIDriver; readonly previous?: CSIDriver }
  | { readonly kind: 'capacity'; readonly object: CSIStorageCapacity; readonly previous?: CSIStorageCapacity }
  | { readonly kind: 'attachment' };

/** What volumes there are. */
export interface Storage {
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  volumes(storageClass: string): readonly PersistentVolume[];
  storageClass(name: string): StorageClass | undefined;
  /** What drivers say of a node; absent: no node has limits. */
  csiNode?(node: string): CSINode | undefined;
  attachmentsTo?(node: string): readonly VolumeAttachment[];
  /** Absent: no driver tells how much room it has. */
  driver?(name: string): CSIDriver | undefined;
  capacities?(storageClass: string): readonly CSIStorageCapacity[];
  /** Names of volumes that pods on their way to a node were promised. */
  taken?(): Iterable<string>;
}

/** The world at the moment one pod is looked at. */
export interface Snapshot {
  readonly cache: NodeCache;
  /** In the order in which they are looked at. */
  readonly nodes: readonly NodeView[];
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

/**
 * What is kept for pods of one shape, so that only what changed is asked again.
 * `node`: answers depend on the Node object alone. `room`: on the node's pods too. `world`: on pods of other nodes;
 * such a plugin counts in tallies, and is told which nodes to count again. Absent: asked anew for each pod.
 */
export type Keeps = 'node' | 'room';

interface NamedFilter {
  readonly name: string;
  /** After which changes a pod that was refused is looked at again. */
  readonly wokenBy: readonly WorldChange[];
  /** Whether such a change may help a pod that was refused; asked once for all of a shape. Absent: it may. */
  readonly helps?: (pod: PodView, change: Change, snapshot: Snapshot) => boolean;
  /** `helps` asks which claims the pod has: it is asked once for each set of them. */
  readonly isOfClaims?: true;
  /** The only nodes that come into question: others are not looked at. */
  readonly only?: (pod: PodView) => readonly string[] | undefined;
}

/** Asked for each pod, or kept for all of a shape. Undefined: this pod does not concern the plugin. */
export interface NodeFilterPlugin extends NamedFilter {
  readonly keeps?: Keeps;
  /** Work that is the same for every node; what is kept must not use more of the pod than its shape and spec. */
  prepare(pod: PodView, snapshot: Snapshot): NodeFilter | Blocked | undefined;
}

/** A part of a plugin that counts over all nodes. */
export interface Counting {
  /** Nothing that was counted can change an answer. */
  readonly isIdle: boolean;
  /** Only nodes with pods that care for their neighbours have anything to count. */
  readonly countsAffinity?: boolean;
  /** Counts the node as it is now: it changed, is new, or is gone (not known any more). */
  recount(node: NodeView): void;
}

export interface CountingFilter extends Counting {
  whyNot(node: NodeView): readonly Refusal[];
}

export interface WorldFilterPlugin extends NamedFilter {
  readonly keeps: 'world';
  prepare(pod: PodView, snapshot: Snapshot): CountingFilter | undefined;
}

export type Filter = NodeFilterPlugin | WorldFilterPlugin;

interface NamedScore {
  readonly name: string;
  readonly weight: number;
}

/** Asked for each pod. */
export interface ListScore extends NamedScore {
  readonly keeps?: undefined;
  /** Gives a score for each node, 0 to 100, in their order. Undefined: no preference. */
  score(pod: PodView, nodes: readonly NodeView[], snapshot: Snapshot): readonly number[] | undefined;
}

export interface NodeScorer {
  of(node: NodeView): number;
  /** Stretches what `of` gave for the nodes in question to 0…100; absent: it is that already. */
  readonly normalize?: (values: Float64Array, count: number) => void;
  /** Counts up when answers for nodes that did not change are void. */
  readonly version?: () => number;
}

export interface NodeScorePlugin extends NamedScore {
  readonly keeps: Keeps;
  prepare(pod: PodView, snapshot: Snapshot): NodeScorer | undefined;
}

export interface CountingScore extends Counting {
  /** Writes a score, 0 to 100, for each of the first `count` rows. */
  score(rows: Int32Array, count: number, into: Float64Array): void;
}

export interface WorldScorePlugin extends NamedScore {
  readonly keeps: 'world';
  prepare(pod: PodView, snapshot: Snapshot): CountingScore | undefined;
}

export type Score = ListScore | NodeScorePlugin | WorldScorePlugin;

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

/** The same for columns. */
export function normalize(values: Float64Array, count: number, reverse = false): void {
  let highest = 0;
  for (let at = 0; at < count; at++) if (values[at]! > highest) highest = values[at]!;
  for (let at = 0; at < count; at++) {
    const score = highest === 0 ? 0 : Math.floor((100 * values[at]!) / highest);
    values[at] = reverse ? 100 - score : score;
  }
}

/** What plugins see of a cache of nodes and of what is beside it. */
export function snapshotOf(cache: NodeCache, beside: Omit<Snapshot, 'cache' | 'nodes'>): Snapshot {
  return {
    ...beside,
    cache,
    get nodes() {
      return cache.nodes;
    },
  };
}
