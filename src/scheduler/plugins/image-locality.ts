import type { NodeView } from '../node-cache.ts';
import type { Score, Snapshot } from '../plugin.ts';

const mib = 1024 * 1024;
const minBytes = 23 * mib;
const maxBytesPerContainer = 1000 * mib;

/** containerd's full name of a reference: `nginx` is `docker.io/library/nginx:latest`. */
export function normalizedImage(reference: string): string {
  const slash = reference.indexOf('/');
  const first = slash < 0 ? '' : reference.slice(0, slash);
  const hasRegistry = first.includes('.') || first.includes(':') || first === 'localhost';
  const named = hasRegistry ? reference : `docker.io/${slash < 0 ? 'library/' : ''}${reference}`;
  const tail = named.slice(named.lastIndexOf('/') + 1);
  return tail.includes(':') || tail.includes('@') ? named : `${named}:latest`;
}

function imagesOn(node: NodeView, wanted: readonly string[], { cache }: Snapshot): number {
  if (node.images.size === 0) return 0;
  let bytes = 0;
  for (const image of wanted) {
    const size = node.images.get(image);
    if (size !== undefined) bytes += Math.trunc(size * (cache.image(image)?.share ?? 0));
  }
  return bytes;
}

/** Prefers nodes that have the pod's images, the more the larger they are, damped by how widely each is spread. */
export const imageLocality: Score = {
  name: 'ImageLocality',
  weight: 1,
  keeps: 'node',
  prepare({ pod: { spec } }, snapshot) {
    const containers = [...spec.containers, ...(spec.initContainers ?? [])];
    const images = containers.map((each) => each.image ?? '').filter(Boolean);
    const wanted = [...new Set(images.flatMap((image) => [image, normalizedImage(image)]))];
    const maxBytes = maxBytesPerContainer * containers.length;
    return {
      of(node) {
        const bounded = Math.min(Math.max(imagesOn(node, wanted, snapshot), minBytes), maxBytes);
        return Math.floor((100 * (bounded - minBytes)) / (maxBytes - minBytes));
      },
      version: () => wanted.reduce((latest, image) => Math.max(latest, snapshot.cache.image(image)?.changedAt ?? 0), 0),
    };
  },
};
