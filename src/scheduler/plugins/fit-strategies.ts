// How NodeResourcesFit ranks nodes: the emptiest, the fullest, or by a curve of the share in use; over resources that are
// chosen and weighted.
import type { ScoringStrategy, ShapePoint } from '../config/types.ts';
import type { ResourceColumns } from '../node-columns.ts';
import type { Score } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';

const maxShapeScore = 10;

type Rank = (requested: number, allocatable: number) => number;

const least: Rank = (requested, all) => (requested > all ? 0 : Math.floor(((all - requested) * 100) / all));
const most: Rank = (requested, all) => Math.floor((Math.min(requested, all) * 100) / all);

/** Straight lines between the points. */
function curve(points: readonly ShapePoint[]): Rank {
  const shape = points.map(({ utilization = 0, score = 0 }) => ({
    at: utilization,
    score: score * (100 / maxShapeScore),
  }));
  return (requested, all) => {
    const used = requested > all ? 100 : Math.floor((requested * 100) / all);
    const index = shape.findIndex(({ at }) => used <= at);
    if (index < 0) return shape.at(-1)!.score;
    if (index === 0) return shape[0]!.score;
    const [from, to] = [shape[index - 1]!, shape[index]!];
    return from.score + Math.trunc(((to.score - from.score) * (used - from.at)) / (to.at - from.at));
  };
}

const ranks = (strategy: ScoringStrategy): Rank => {
  if (strategy.type === 'MostAllocated') return most;
  return strategy.type === 'LeastAllocated' ? least : curve(strategy.requestedToCapacityRatio!.shape);
};

const isOwnResource = (name: string) => ['cpu', 'memory', 'ephemeral-storage', 'pods'].includes(name);

interface Counted {
  readonly weight: number;
  readonly column: number;
  readonly asked: number;
  readonly used: (row: number) => number;
}

function countedResources(strategy: ScoringStrategy, pod: PodView, columns: ResourceColumns): Counted[] {
  return strategy.resources.flatMap(({ name, weight }) => {
    const isScored = name === 'cpu' || name === 'memory';
    const asked = (isScored ? pod.scoringRequests : pod.requests).get(name) ?? 0;
    // What the pod does not ask for says nothing about the node, unless every node has it.
    if (!isOwnResource(name) && asked === 0) return [];
    const column = columns.column(name);
    const used = (row: number) => {
      if (name === 'cpu') return columns.scoringCpu[row]!;
      return name === 'memory' ? columns.scoringMemory[row]! : columns.requested[column]![row]!;
    };
    return [{ weight, column, asked, used }];
  });
}

export function fitScore(strategy: ScoringStrategy, weight: number): Score {
  const rank = ranks(strategy);
  const isCurve = strategy.type === 'RequestedToCapacityRatio';
  return {
    name: 'NodeResourcesFit',
    weight,
    keeps: 'room',
    prepare(pod, { cache: { columns } }) {
      const counted = countedResources(strategy, pod, columns);
      return {
        of({ row }) {
          let sum = 0;
          let weights = 0;
          for (const each of counted) {
            const all = columns.allocatable[each.column]![row]!;
            if (all === 0) continue;
            const score = rank(each.used(row) + each.asked, all);
            // A curve that gives nothing for a resource does not count it.
            if (isCurve && score <= 0) continue;
            sum += score * each.weight;
            weights += each.weight;
          }
          if (weights === 0) return 0;
          return isCurve ? Math.round(sum / weights) : Math.floor(sum / weights);
        },
      };
    },
  };
}
