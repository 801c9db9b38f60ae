// Files of one volume that would hide each other.
import type { Volume, VolumeProjection } from '../../../generated/core-v1.ts';
import { goQuote } from '../meta/field-errors.ts';

interface Placed {
  readonly path: string;
  readonly source: string;
}

type Items = readonly { readonly path: string }[] | undefined;

export function overlapWarnings(volumes: readonly Volume[]): string[] {
  return volumes.flatMap(({ name, configMap, secret, downwardAPI, projected }) => {
    const inOne = (items: Items, what: string) =>
      overlaps(placed(items, '')).map((text) => `volume ${goQuote(name)} (${what}): overlapping paths: ${text}`);
    return [
      ...inOne(configMap?.items, `ConfigMap ${goQuote(configMap?.name ?? '')}`),
      ...inOne(secret?.items, `Secret ${goQuote(secret?.secretName ?? '')}`),
      ...inOne(downwardAPI?.items, 'DownwardAPI'),
      ...projectedWarnings(name, projected?.sources ?? []),
    ];
  });
}

function projectedWarnings(name: string, sources: readonly VolumeProjection[]): string[] {
  const empty: string[] = [];
  const all = sources.flatMap((source) => {
    if (Object.values(source).every((value) => value === undefined)) {
      empty.push(`volume ${goQuote(name)} (Projected) has no sources provided`);
    }
    return projectedPaths(source);
  });
  return [...empty, ...overlaps(all).map((text) => `volume ${goQuote(name)} (Projected): overlapping paths: ${text}`)];
}

/** Of the first source that is there. */
function projectedPaths({ configMap, secret, downwardAPI, serviceAccountToken }: VolumeProjection): Placed[] {
  if (configMap?.items) return placed(configMap.items, `ConfigMap ${goQuote(configMap.name ?? '')}`);
  if (secret?.items) return placed(secret.items, `Secret ${goQuote(secret.name ?? '')}`);
  if (downwardAPI?.items) return placed(downwardAPI.items, 'DownwardAPI');
  return serviceAccountToken ? placed([serviceAccountToken], 'ServiceAccountToken') : [];
}

const placed = (items: Items, source: string): Placed[] =>
  (items ?? []).map(({ path }) => ({ path: path.replace(/\/+$/, ''), source }));

const shown = ({ path, source }: Placed): string => (source ? `${goQuote(path)} (${source})` : goQuote(path));

function overlaps(paths: readonly Placed[]): string[] {
  return paths.flatMap((next, index) =>
    paths
      .slice(0, index)
      .filter(
        ({ path }) =>
          path && next.path && (`${path}/`.startsWith(`${next.path}/`) || `${next.path}/`.startsWith(`${path}/`)),
      )
      .map((earlier) => `${shown(next)} with ${shown(earlier)}`),
  );
}
