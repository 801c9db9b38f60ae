// A part of the recordings that is the same every time and has something of every area.
export interface Sampled {
  readonly id: string;
}

/** About one in `share` of each area, at least one, evenly over its sorted ids. */
export function sample<T extends Sampled>(
  cases: readonly T[],
  area: (each: T) => string,
  share: number,
): Map<string, T[]> {
  const byArea = Map.groupBy(cases, area);
  for (const [name, all] of byArea) {
    const sorted = all.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    byArea.set(
      name,
      sorted.filter((_, index) => index % share === 0),
    );
  }
  return byArea;
}
