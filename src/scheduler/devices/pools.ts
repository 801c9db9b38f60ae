// Which devices a node can reach, by pool. A pool is described by several slices of one generation.
import type { NodeSelector } from '../../../generated/core-v1.ts';
import type { CounterSet, Device, ResourceSlice } from '../../../generated/resource-v1.ts';
import { matchesTerm } from '../../api/core/node-match.ts';
import type { NodeView } from '../node-cache.ts';

export interface Pool {
  /** `driver/name`. */
  readonly id: string;
  readonly driver: string;
  readonly name: string;
  /** Some of its slices have not been published yet. */
  readonly isIncomplete: boolean;
  /** Its slices contradict each other. */
  readonly isInvalid: boolean;
  /** Those with devices that the node may reach, by name. */
  readonly slices: readonly ResourceSlice[];
  /** The rest of its slices with devices: they may draw on the same counters. */
  readonly otherSlices: readonly ResourceSlice[];
  readonly counterSets: ReadonlyMap<string, CounterSet>;
}

/** Slices, found by node and by pool. */
export class SliceIndex {
  readonly #byNode = new Map<string, ResourceSlice[]>();
  readonly #shared: ResourceSlice[] = [];
  readonly #byPool = new Map<string, ResourceSlice[]>();

  constructor(slices: Iterable<ResourceSlice>) {
    for (const slice of slices) {
      const { nodeName } = slice.spec;
      if (nodeName && !slice.spec.sharedCounters?.length) push(this.#byNode, nodeName, slice);
      else this.#shared.push(slice);
      push(this.#byPool, poolId(slice), slice);
    }
  }

  /** Candidates only: `isRelevant` says which of them count. */
  forNode(name: string): readonly ResourceSlice[] {
    return [...(this.#byNode.get(name) ?? []), ...this.#shared];
  }

  ofPool(id: string): readonly ResourceSlice[] {
    return this.#byPool.get(id) ?? [];
  }
}

function push<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
}

const poolId = ({ spec }: ResourceSlice) => `${spec.driver}/${spec.pool.name}`;
const generationOf = ({ spec }: ResourceSlice) => spec.pool.generation;

interface Reach {
  readonly nodeName?: string;
  readonly allNodes?: boolean;
  readonly nodeSelector?: NodeSelector;
}

export function reachesNode({ nodeName, allNodes, nodeSelector }: Reach, node: NodeView): boolean {
  if (nodeName) return nodeName === node.name;
  return allNodes || (nodeSelector?.nodeSelectorTerms.some((term) => matchesTerm(term, node)) ?? false);
}

/** Slices of counters concern every node; the rest say which. */
function isRelevant({ spec }: ResourceSlice, node: NodeView): boolean {
  if (spec.sharedCounters?.length) return true;
  if (spec.perDeviceNodeSelection) return (spec.devices ?? []).some((device) => reachesNode(device, node));
  return reachesNode(spec, node);
}

/** In the order they are allocated from: by name, those whose devices have to be waited for last. */
export function poolsFor(node: NodeView, index: SliceIndex): Pool[] {
  const newest = new Map<string, ResourceSlice[]>();
  for (const slice of index.forNode(node.name)) {
    if (!isRelevant(slice, node)) continue;
    const id = poolId(slice);
    const known = newest.get(id);
    if (!known || generationOf(known[0]!) < generationOf(slice)) newest.set(id, [slice]);
    else if (generationOf(known[0]!) === generationOf(slice)) known.push(slice);
  }
  const pools: Pool[] = [];
  for (const [id, slices] of newest) {
    const pool = poolOf(id, slices, index);
    if (pool) pools.push(pool);
  }
  const late = (pool: Pool) => (pool.slices.some(({ spec }) => spec.devices?.some(waits)) ? 1 : 0);
  return pools.sort((a, b) => late(a) - late(b) || compareText(a.driver, b.driver) || compareText(a.name, b.name));
}

const waits = (device: Device) => device.bindingConditions !== undefined;
const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Undefined: a newer generation has nothing for this node. */
function poolOf(id: string, relevant: readonly ResourceSlice[], index: SliceIndex): Pool | undefined {
  const [{ spec }] = relevant as [ResourceSlice];
  const { generation, resourceSliceCount } = spec.pool;
  const base = { id, driver: spec.driver, name: spec.pool.name, isIncomplete: false, isInvalid: false };
  const nothing = { slices: [], otherSlices: [], counterSets: new Map<string, CounterSet>() };
  let all = relevant;
  if (relevant.length !== resourceSliceCount) {
    const everywhere = index.ofPool(id);
    if (everywhere.some((slice) => generationOf(slice) > generation)) return undefined;
    all = everywhere.filter((slice) => generationOf(slice) === generation);
    if (all.length !== resourceSliceCount) return { ...base, ...nothing, isIncomplete: true };
  }
  const sorted = [...relevant].sort((a, b) => compareText(a.metadata.name, b.metadata.name));
  const slices = sorted.filter((slice) => !slice.spec.sharedCounters?.length);
  const otherSlices = all.filter((slice) => !relevant.includes(slice));
  const counterSets = counterSetsOf(sorted);
  const isInvalid =
    !counterSets ||
    !hasUniqueDevices(slices) ||
    ![...slices, ...otherSlices].every((slice) => drawsFrom(slice, counterSets));
  return isInvalid ? { ...base, ...nothing, isInvalid } : { ...base, slices, otherSlices, counterSets };
}

/** Undefined: two have one name. */
function counterSetsOf(slices: readonly ResourceSlice[]): Map<string, CounterSet> | undefined {
  const sets = new Map<string, CounterSet>();
  for (const { spec } of slices) {
    for (const set of spec.sharedCounters ?? []) {
      if (sets.has(set.name)) return undefined;
      sets.set(set.name, set);
    }
  }
  return sets;
}

function hasUniqueDevices(slices: readonly ResourceSlice[]): boolean {
  const names = slices.flatMap(({ spec }) => (spec.devices ?? []).map(({ name }) => name));
  return new Set(names).size === names.length;
}

function drawsFrom({ spec }: ResourceSlice, sets: ReadonlyMap<string, CounterSet>): boolean {
  return (spec.devices ?? []).every((device) =>
    (device.consumesCounters ?? []).every(({ counterSet, counters }) => {
      const set = sets.get(counterSet);
      return set !== undefined && Object.keys(counters).every((name) => Object.hasOwn(set.counters, name));
    }),
  );
}
