// Brings plugins that count over all nodes up to date: only nodes that changed are counted again.
import type { NodeCache, NodeView } from './node-cache.ts';
import type { Counting } from './plugin.ts';

/** Counts what changed since `countedTo` (-1: nothing was counted yet); gives the place up to which it did. */
export function countChanges(cache: NodeCache, all: readonly Counting[], countedTo: number): number {
  const { changes, rows } = cache;
  if (all.length === 0 || countedTo === changes.end) return changes.end;
  if (countedTo < 0) for (const counting of all) countFirst(cache, counting);
  else {
    const recount = (row: number) => {
      const node = cache.at(row) ?? goneFrom(row);
      for (const counting of all) counting.recount(node);
    };
    const areMany = changes.end - countedTo > rows;
    if (areMany || !changes.since(countedTo, recount)) for (let row = 0; row < rows; row++) recount(row);
  }
  return changes.end;
}

function countFirst(cache: NodeCache, counting: Counting): void {
  if (counting.countsAffinity) for (const node of cache.nodesWithAffinity) counting.recount(node);
  else for (let row = 0; row < cache.rows; row++) counting.recount(cache.at(row) ?? goneFrom(row));
}

/** A row that no node has any more. */
const goneFrom = (row: number): NodeView => ({
  name: '',
  row,
  node: { metadata: { name: '' }, spec: {} },
  isKnown: false,
  labels: {},
  pods: new Map(),
  shapes: new Map(),
  hostPorts: [],
  antiAffinityPods: 0,
  affinityPods: 0,
  images: new Map(),
});
