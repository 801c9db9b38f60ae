// The objects of the soak: ConfigMaps with one label, made as the API server stores them.
import type { Random } from '../../src/base/random.ts';
import type { StoreEvent } from '../../src/store/store.ts';
import type { Change, Filter } from './oracle.ts';

export const prefix = '/registry/core/configmaps/';
const counts = { namespaces: 8, groups: 12, names: 60 } as const;

const pick = (random: Random, count: number) => Math.floor(random.next() * count);

export function randomPlace(random: Random): { namespace: string; name: string } {
  return { namespace: `ns-${pick(random, counts.namespaces)}`, name: `c-${pick(random, counts.names)}` };
}

export const randomGroup = (random: Random) => `g-${pick(random, counts.groups)}`;

export function storedConfigMap(namespace: string, name: string, group: string, n: number): Buffer {
  const uid = `00000000-0000-4000-8000-${String(n % 1e12).padStart(12, '0')}`;
  const metadata = { name, namespace, uid, creationTimestamp: '2026-01-01T00:00:00Z', labels: { group } };
  return Buffer.from(JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata, data: { n: String(n) } }));
}

/** Most watchers ask for little, as real ones do. */
export function randomFilter(random: Random): Filter {
  const { namespace, name } = randomPlace(random);
  const group = randomGroup(random);
  const dice = random.next();
  if (dice < 0.01) return {};
  if (dice < 0.05) return { namespace };
  if (dice < 0.1) return { group };
  return dice < 0.7 ? { namespace, group } : { namespace, name };
}

export function pathOf({ namespace, group, name }: Filter): string {
  const selectors = [
    ...(group ? [`labelSelector=group%3D${group}`] : []),
    ...(name ? [`fieldSelector=metadata.name%3D${name}`] : []),
  ];
  return `/api/v1/${namespace ? `namespaces/${namespace}/` : ''}configmaps?${selectors.join('&')}`;
}

export function changeOf({ key, revision, value, previous }: StoreEvent): Change {
  const [namespace = '', name = ''] = key.slice(prefix.length).split('/');
  const groupOf = (bytes: Uint8Array | undefined) =>
    bytes && (JSON.parse(Buffer.from(bytes).toString()).metadata.labels?.group ?? '');
  return { revision, namespace, name, before: groupOf(previous), after: groupOf(value) };
}
