// What a namespace allows all containers of a pod together; the recommendations share what is too much or too little.
import type { Container, Pod } from '../../../generated/core-v1.ts';
import { Quantity, quantityOf } from '../meta/quantity.ts';
import { proportionalLimits, scale } from './proportions.ts';
import type { ContainerRecommendation, ResourceList } from './types.ts';

export interface PodBounds {
  readonly min: ResourceList;
  readonly max: ResourceList;
}

/** Containers without a recommendation take part with what they ask for. */
export function keepWithinPod(
  recommendations: readonly ContainerRecommendation[],
  pod: Pod,
  { min, max }: PodBounds,
): readonly ContainerRecommendation[] {
  const names = ['cpu', 'memory'].filter((name) => min[name] !== undefined || max[name] !== undefined);
  if (names.length === 0) return recommendations;
  const shares = pod.spec.containers.flatMap((container): Share[] => {
    const { name, resources } = container;
    const own = recommendations.find(({ containerName }) => containerName === name);
    if (own) return [{ container, recommendation: own }];
    const target = resources?.requests as ResourceList | undefined;
    return target ? [{ container, recommendation: { containerName: name, target } }] : [];
  });
  const kept = (part: 'target' | 'lowerBound' | 'upperBound') => {
    const lists = shares.map(({ recommendation }) => ({ ...(recommendation[part] ?? {}) }));
    for (const name of names) keepOne(name, shares, lists, quantityOf(min[name]), quantityOf(max[name]));
    return lists;
  };
  const [targets, lower, upper] = [kept('target'), kept('lowerBound'), kept('upperBound')];
  return shares.map(({ recommendation }, at) => ({
    ...recommendation,
    target: targets[at]!,
    ...(recommendation.lowerBound ? { lowerBound: lower[at]! } : {}),
    ...(recommendation.upperBound ? { upperBound: upper[at]! } : {}),
  }));
}

interface Share {
  readonly container: Container;
  readonly recommendation: ContainerRecommendation;
}

function keepOne(
  name: string,
  shares: readonly Share[],
  lists: readonly Record<string, string>[],
  least: Quantity,
  most: Quantity,
): void {
  let [requested, limited] = [Quantity.zero, Quantity.zero];
  shares.forEach(({ container }, at) => {
    const value = lists[at]![name];
    if (value === undefined) return;
    requested = requested.plus(quantityOf(value));
    limited = limited.plus(quantityOf(proportionalLimits(container, { [name]: value }, {}).limits[name]));
  });
  if (limited.isZero) return;
  const share = (from: Quantity, to: Quantity, isUp: boolean) => {
    if ((name === 'cpu' ? from.millis : from.units) === 0n) return;
    for (const list of lists)
      if (list[name] !== undefined) list[name] = scale(name, quantityOf(list[name]), from, to, isUp).toString();
  };
  if (least.compare(requested) > 0) share(requested, least, true);
  else if (least.compare(limited) > 0) share(limited, least, false);
  else if (!most.isZero && most.compare(limited) < 0) share(limited, most, false);
}
