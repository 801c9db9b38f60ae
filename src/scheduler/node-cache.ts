// What runs where, kept up to date by differences. A pod that was given a node counts there from that moment (assumed),
// before the API server has said so. Numbers are in columns (node-columns.ts), places in topologies (topology.ts);
// versions and a log of changed rows say what a reader has not seen yet.
import type { Node, Pod } from '../../generated/core-v1.ts';
import { ChangeLog } from './change-log.ts';
import { ClaimUsers } from './claim-users.ts';
import { grown, podsColumn, ResourceColumns } from './node-columns.ts';
import { interleaved, zoneOf } from './node-order.ts';
import type { HostPort, PodShape, PodView } from './pod-view.ts';
import { PodViews } from './pod-view.ts';
import { noVolumes } from './pod-volumes.ts';
import { type Amounts, amountsOf } from './resources.ts';
import { Topology } from './topology.ts';

/** A node and what runs on it. Live: copy nothing, keep nothing over a turn. */
export interface NodeView {
  readonly name: string;
  /** Its place in all columns, for as long as it exists. */
  readonly row: number;
  readonly node: Node;
  /** The Node is there; pods may be placed on one that is not known yet. */
  readonly isKnown: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly pods: ReadonlyMap<string, PodView>;
  /** How many of its pods have which shape. */
  readonly shapes: ReadonlyMap<PodShape, number>;
  /** Ports of its pods on the host. */
  readonly hostPorts: readonly HostPort[];
  /** How many of its pods keep others away. */
  readonly antiAffinityPods: number;
  /** How many of its pods care for their neighbours. */
  readonly affinityPods: number;
  /** Image name → bytes. */
  readonly images: ReadonlyMap<string, number>;
}

class Entry implements NodeView {
  readonly name: string;
  readonly row: number;
  node: Node;
  isKnown = false;
  labels: Readonly<Record<string, string>> = {};
  allocatable: Amounts = new Map();
  readonly pods = new Map<string, PodView>();
  readonly shapes = new Map<PodShape, number>();
  readonly hostPorts: HostPort[] = [];
  antiAffinityPods = 0;
  affinityPods = 0;
  images: ReadonlyMap<string, number> = noImages;

  constructor(name: string, row: number) {
    this.name = name;
    this.row = row;
    this.node = { metadata: { name }, spec: {} };
  }
}

const noImages: ReadonlyMap<string, number> = new Map();
const firstCapacity = 64;
/** Values of a topology key that no node has any more are forgotten when there are this many more of them than nodes. */
const deadValues = 1000;
const maxTopologies = 64;

export class NodeCache {
  readonly columns = new ResourceColumns(firstCapacity);
  readonly changes = new ChangeLog();
  /** By row: counts up with every change of the Node object. */
  nodeVersions = new Uint32Array(firstCapacity);
  /** By row: counts up with every change of the Node object or its pods. */
  roomVersions = new Uint32Array(firstCapacity);
  readonly views = new PodViews();
  /** On nodes that exist. */
  readonly claimUsers = new ClaimUsers();
  readonly #nodes = new Map<string, Entry>();
  readonly #rows: (Entry | undefined)[] = [];
  #freeRows: number[] = [];
  /** Pod key → node name, for pods that count somewhere. */
  readonly #placed = new Map<string, string>();
  readonly #topologies = new Map<string, Topology>();
  /** Image name → on how many nodes it is, and when that last changed. */
  readonly #images = new Map<string, { nodes: number; changedAt: number }>();
  #order: Int32Array | undefined;
  #list: NodeView[] | undefined;
  #knownNodes = 0;
  readonly #withAffinity = new Set<Entry>();
  #version = 0;
  #epoch = 0;
  #nodesChangedAt = 0;

  /** Nodes that exist, in the order in which they are looked at. */
  get nodes(): readonly NodeView[] {
    this.#list ??= Array.from(this.order, (row) => this.#rows[row]!);
    return this.#list;
  }

  /** Rows of the nodes that exist: zone by zone in turns, so that a part of them is of all zones. */
  get order(): Int32Array {
    this.#order ??= interleaved([...this.#nodes.values()].filter((each) => each.isKnown));
    return this.#order;
  }

  /** Counts up with every change of anything here. */
  get version(): number {
    return this.#version;
  }

  /** What was kept under another epoch is void. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Rows that columns have room for. */
  get capacity(): number {
    return this.nodeVersions.length;
  }

  /** One more than the highest row in use. */
  get rows(): number {
    return this.#rows.length;
  }

  /** Nodes with pods that care for their neighbours. */
  get nodesWithAffinity(): Iterable<NodeView> {
    return this.#withAffinity;
  }

  find(name: string): NodeView | undefined {
    const found = this.#nodes.get(name);
    return found?.isKnown ? found : undefined;
  }

  at(row: number): NodeView | undefined {
    return this.#rows[row];
  }

  setNode(node: Node): void {
    const entry = this.#entry(node.metadata.name);
    const isMoved = zoneOf(entry.labels) !== zoneOf(node.metadata.labels ?? {});
    if (!entry.isKnown || isMoved) this.#nodesChanged();
    if (!entry.isKnown) this.#setKnown(entry, true);
    entry.node = node;
    entry.labels = node.metadata.labels ?? {};
    this.#setAllocatable(entry, amountsOf(node.status?.allocatable));
    this.#setImages(entry, imagesOf(node));
    for (const topology of this.#topologies.values()) topology.set(entry.row, own(entry.labels, topology.key));
    this.#nodeChanged(entry);
  }

  removeNode(name: string): void {
    const entry = this.#nodes.get(name);
    if (!entry?.isKnown) return;
    this.#setKnown(entry, false);
    this.#nodesChanged();
    this.#setImages(entry, noImages);
    for (const topology of this.#topologies.values()) topology.set(entry.row, undefined);
    this.#nodeChanged(entry);
    this.#forgetEmpty(entry);
    this.#forgetDeadValues();
  }

  /** The pod counts on its node (or on `nodeName`, when assumed). Replaces what was known of it. */
  place(pod: Pod, nodeName: string): void {
    this.placeView(this.views.of(pod), nodeName);
  }

  placeView(view: PodView, nodeName: string): void {
    this.remove(view.key);
    const entry = this.#entry(nodeName);
    this.#count(entry, view, 1);
    this.#placed.set(view.key, nodeName);
    this.#roomChanged(entry);
  }

  /** The API server shows the pod where it is counted: true when nothing else about it is new. */
  confirm(pod: Pod, key: string): boolean {
    const nodeName = pod.spec.nodeName;
    if (nodeName === undefined || this.#placed.get(key) !== nodeName) return false;
    const view = this.#nodes.get(nodeName)?.pods.get(key);
    const isSame =
      view !== undefined &&
      view.pod.metadata.uid === pod.metadata.uid &&
      view.pod.metadata.generation === pod.metadata.generation &&
      view.isLeaving === (pod.metadata.deletionTimestamp !== undefined) &&
      hasSameLabels(view.labels, pod.metadata.labels);
    if (isSame) view.pod = pod;
    return isSame;
  }

  /** Gives what is no longer there. */
  remove(key: string): Placement | undefined {
    const nodeName = this.#placed.get(key);
    if (nodeName === undefined) return undefined;
    this.#placed.delete(key);
    const node = this.#nodes.get(nodeName)!;
    const pod = node.pods.get(key)!;
    this.#count(node, pod, -1);
    this.#roomChanged(node);
    this.#forgetEmpty(node);
    return { pod, node };
  }

  placement(key: string): Placement | undefined {
    const node = this.#nodes.get(this.#placed.get(key) ?? '');
    return node && { pod: node.pods.get(key)!, node };
  }

  placeOf(key: string): string | undefined {
    return this.#placed.get(key);
  }

  /** Something else about the node changed that counts as room: a promise. */
  touch(name: string): void {
    const entry = this.#nodes.get(name);
    if (entry) this.#roomChanged(entry);
  }

  /**
   * Takes pods off the node and puts others there, for a question that is asked before `restore` is called: no version
   * changes, and afterwards all is as it was.
   */
  pretend(node: NodeView): Pretence {
    const entry = this.#nodes.get(node.name)!;
    const removed = new Map<string, PodView>();
    const added = new Map<string, PodView>();
    const apply = (view: PodView, sign: 1 | -1) => {
      const [undone, done] = sign > 0 ? [removed, added] : [added, removed];
      this.#count(entry, view, sign);
      if (!undone.delete(view.key)) done.set(view.key, view);
    };
    return {
      remove: (view) => entry.pods.has(view.key) && apply(view, -1),
      add: (view) => entry.pods.has(view.key) || apply(view, 1),
      restore: () => {
        for (const view of [...added.values()]) apply(view, -1);
        for (const view of [...removed.values()]) apply(view, 1);
      },
    };
  }

  /** Domains of a label key; followed from the first time somebody asks. */
  topology(key: string): Topology {
    let topology = this.#topologies.get(key);
    if (!topology) {
      if (this.#topologies.size >= maxTopologies) this.forget();
      topology = new Topology(key, this.capacity);
      for (const entry of this.#rows) if (entry?.isKnown) topology.set(entry.row, own(entry.labels, key));
      this.#topologies.set(key, topology);
    }
    return topology;
  }

  /** On which share of the nodes an image is, and when that last changed. */
  image(name: string): { readonly share: number; readonly changedAt: number } | undefined {
    const known = this.#images.get(name);
    if (!known) return undefined;
    return { share: known.nodes / this.#knownNodes, changedAt: Math.max(known.changedAt, this.#nodesChangedAt) };
  }

  /** Namespaces, Services or the like changed: what was kept is counted again. */
  forget(): void {
    this.#epoch++;
    this.#version++;
    this.#topologies.clear();
  }

  #entry(name: string): Entry {
    let entry = this.#nodes.get(name);
    if (!entry) {
      const row = this.#freeRows.pop() ?? this.#rows.length;
      if (row >= this.capacity) this.#grow(2 * this.capacity);
      entry = new Entry(name, row);
      this.#rows[row] = entry;
      this.#nodes.set(name, entry);
    }
    return entry;
  }

  #setKnown(entry: Entry, isKnown: boolean): void {
    entry.isKnown = isKnown;
    this.#knownNodes += isKnown ? 1 : -1;
    for (const { volumes } of entry.pods.values()) this.claimUsers.count(volumes, isKnown ? 1 : -1);
  }

  #grow(capacity: number): void {
    this.columns.grow(capacity);
    this.nodeVersions = grown(this.nodeVersions, capacity);
    this.roomVersions = grown(this.roomVersions, capacity);
    for (const topology of this.#topologies.values()) topology.grow(capacity);
  }

  #nodesChanged(): void {
    this.#order = undefined;
    this.#list = undefined;
    this.#nodesChangedAt = this.#version + 1;
  }

  #nodeChanged({ row }: Entry): void {
    this.nodeVersions[row] = ++this.#version;
    this.roomVersions[row] = this.#version;
    this.changes.add(row);
  }

  #roomChanged({ row }: Entry): void {
    this.roomVersions[row] = ++this.#version;
    this.changes.add(row);
  }

  #setAllocatable(entry: Entry, amounts: Amounts): void {
    const { columns } = this;
    for (const name of entry.allocatable.keys()) {
      if (!amounts.has(name)) columns.allocatable[columns.column(name)]![entry.row] = 0;
    }
    for (const [name, amount] of amounts) {
      const index = columns.column(name);
      columns.allocatable[index]![entry.row] = amount;
    }
    entry.allocatable = amounts;
  }

  #setImages(entry: Entry, images: ReadonlyMap<string, number>): void {
    for (const name of entry.images.keys()) if (!images.has(name)) this.#countImage(name, -1);
    for (const name of images.keys()) if (!entry.images.has(name)) this.#countImage(name, 1);
    entry.images = images;
  }

  #countImage(name: string, sign: 1 | -1): void {
    const known = this.#images.get(name) ?? { nodes: 0, changedAt: 0 };
    known.nodes += sign;
    known.changedAt = this.#version + 1;
    // One that is nowhere stays for those who wait for it to appear, until there are too many of them.
    if (known.nodes === 0 && this.#images.size > deadValues) this.#images.delete(name);
    else this.#images.set(name, known);
  }

  #count(entry: Entry, view: PodView, sign: 1 | -1): void {
    const { columns } = this;
    const { row } = entry;
    for (const [name, amount] of view.requests) {
      const index = columns.column(name);
      columns.requested[index]![row]! += sign * amount;
    }
    columns.requested[columns.column(podsColumn)]![row]! += sign;
    columns.scoringCpu[row]! += sign * (view.scoringRequests.get('cpu') ?? 0);
    columns.scoringMemory[row]! += sign * (view.scoringRequests.get('memory') ?? 0);
    if (view.hasAntiAffinity) entry.antiAffinityPods += sign;
    if (view.hasPodAffinity) {
      entry.affinityPods += sign;
      if (entry.affinityPods > 0) this.#withAffinity.add(entry);
      else this.#withAffinity.delete(entry);
    }
    if (view.volumes !== noVolumes && entry.isKnown) this.claimUsers.count(view.volumes, sign);
    for (const port of view.hostPorts) {
      if (sign > 0) entry.hostPorts.push(port);
      else entry.hostPorts.splice(entry.hostPorts.indexOf(port), 1);
    }
    const ofShape = (entry.shapes.get(view.shape) ?? 0) + sign;
    if (ofShape > 0) entry.shapes.set(view.shape, ofShape);
    else entry.shapes.delete(view.shape);
    if (sign > 0) entry.pods.set(view.key, view);
    else entry.pods.delete(view.key);
  }

  #forgetEmpty(entry: Entry): void {
    if (entry.isKnown || entry.pods.size > 0) return;
    this.#nodes.delete(entry.name);
    this.#rows[entry.row] = undefined;
    this.columns.clear(entry.row);
    this.#freeRows.push(entry.row);
  }

  #forgetDeadValues(): void {
    for (const topology of this.#topologies.values()) {
      if (topology.size > 2 * this.#knownNodes + deadValues) this.forget();
    }
  }
}

/** A pod and the node it counts on. */
export interface Placement {
  readonly pod: PodView;
  readonly node: NodeView;
}

/** Changes to a node that are taken back. */
export interface Pretence {
  remove(view: PodView): void;
  add(view: PodView): void;
  restore(): void;
}

function imagesOf({ status }: Node): ReadonlyMap<string, number> {
  if (!status?.images?.length) return noImages;
  const images = new Map<string, number>();
  for (const { names, sizeBytes } of status.images) for (const name of names ?? []) images.set(name, sizeBytes ?? 0);
  return images;
}

const own = (labels: Readonly<Record<string, string>>, key: string) =>
  Object.hasOwn(labels, key) ? labels[key] : undefined;

function hasSameLabels(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>> = {}): boolean {
  if (one === other) return true;
  const keys = Object.keys(other);
  return keys.length === Object.keys(one).length && keys.every((key) => own(one, key) === other[key]);
}
