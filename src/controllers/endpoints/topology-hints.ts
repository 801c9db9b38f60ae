// Hints in proportion to the processors of each zone, for Services that ask for them by annotation.
import type { Node } from '../../../generated/core-v1.ts';
import { isConditionTrue } from '../../api/meta/conditions.ts';
import { millisOf } from '../../api/meta/quantity.ts';

const zoneLabel = 'topology.kubernetes.io/zone';
const annotations = ['service.kubernetes.io/topology-aware-hints', 'service.kubernetes.io/topology-mode'];
const controlPlane = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];
/** How much more than its share a zone may be made to carry. */
const overload = 0.2;

export function asksForHints(given: Readonly<Record<string, string>> = {}): boolean {
  const name = annotations.find((each) => given[each] !== undefined);
  return name !== undefined && (given[name] === 'Auto' || given[name] === 'auto');
}

/** Each zone's part of all processors; undefined where a node does not tell, or there is one zone alone. */
export function zoneShares(nodes: readonly Node[]): ReadonlyMap<string, number> | undefined {
  const byZone = new Map<string, number>();
  for (const { metadata, status } of nodes) {
    if (controlPlane.some((label) => metadata.labels?.[label] !== undefined)) continue;
    if (!isConditionTrue(status?.conditions, 'Ready')) continue;
    const zone = metadata.labels?.[zoneLabel];
    const cpu = millisOf(status?.allocatable?.['cpu']);
    if (!zone || cpu === 0) return undefined;
    byZone.set(zone, (byZone.get(zone) ?? 0) + cpu);
  }
  const total = [...byZone.values()].reduce((sum, each) => sum + each, 0);
  if (byZone.size < 2 || total === 0) return undefined;
  return new Map([...byZone].map(([zone, cpu]) => [zone, cpu / total]));
}

/** One that is ready. */
export interface HintedEndpoint {
  readonly id: string;
  readonly zone: string | undefined;
  /** The zone it serves now. */
  readonly hint: string | undefined;
}

export type HintPlan = { readonly refused: string } | { readonly zones: ReadonlyMap<string, string> };

interface Share {
  readonly desired: number;
  readonly most: number;
}

/** The zone that each endpoint is to serve, or why there are no hints. What stands and is no worse stays. */
export function planHints(
  endpoints: readonly HintedEndpoint[],
  shares: ReadonlyMap<string, number> | undefined,
): HintPlan {
  if (!shares)
    return { refused: 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes' };
  const counts = `(${endpoints.length} endpoints, ${shares.size} zones)`;
  if (shares.size > endpoints.length) return { refused: `Insufficient number of endpoints ${counts}` };
  const allotted = allot(endpoints.length, shares);
  if (!allotted) {
    const why = 'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold';
    return { refused: `${why} ${counts}` };
  }
  const standing = endpoints.every(({ hint }) => hint !== undefined && allotted.has(hint));
  if (standing) {
    const now = countBy(endpoints.map(({ hint }) => hint!));
    if ([...now].every(([zone, count]) => count <= allotted.get(zone)!.most))
      return { zones: new Map(endpoints.map(({ id, hint }) => [id, hint!])) };
  }
  if (endpoints.some(({ zone }) => !zone)) return { refused: 'One or more endpoints do not have a zone specified' };
  return { zones: share(endpoints, allotted) };
}

function allot(total: number, shares: ReadonlyMap<string, number>): Map<string, Share> | undefined {
  const least = new Map([...shares].map(([zone, part]) => [zone, Math.ceil((part * total) / (1 + overload))]));
  const sum = [...least.values()].reduce((all, each) => all + each, 0);
  if (sum > total) return undefined;
  return new Map(
    [...shares].map(([zone, part]) => {
      const minimum = least.get(zone)!;
      return [zone, { desired: Math.max(part * total, minimum), most: minimum + total - sum }];
    }),
  );
}

/** Each serves its own zone, until zones that have too many have given to those that have too few. */
function share(endpoints: readonly HintedEndpoint[], allotted: ReadonlyMap<string, Share>): Map<string, string> {
  const zones = new Map(endpoints.map(({ id, zone }) => [id, zone!]));
  const have = countBy(zones.values());
  const [giving, receiving] = [new Map<string, number>(), new Map<string, number>()];
  for (const [zone, { desired }] of allotted) {
    const spare = (have.get(zone) ?? 0) - desired;
    if (spare > 0) giving.set(zone, spare);
    else if (spare < 0) receiving.set(zone, -spare);
  }
  const inOrder = [...endpoints].sort((a, b) => (a.id < b.id ? -1 : 1));
  for (;;) {
    const [from, to] = [most(giving), most(receiving)];
    if (!from || !to || (from[1] < 1 && to[1] < 1) || from[1] < 0.5 || to[1] < 0.5) return zones;
    giving.set(from[0], from[1] - 1);
    receiving.set(to[0], to[1] - 1);
    const moved = inOrder.find(({ id, zone }) => zone === from[0] && zones.get(id) === zone);
    if (moved) zones.set(moved.id, to[0]);
  }
}

const most = (amounts: ReadonlyMap<string, number>) =>
  [...amounts].reduce<[string, number] | undefined>(
    (best, each) => (!best || each[1] > best[1] ? each : best),
    undefined,
  );

function countBy(values: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
