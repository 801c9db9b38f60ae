import type { Score } from '../plugin.ts';

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

/** Prefers nodes that have the pod's images, the more the larger they are, damped by how widely each is spread. */
export const imageLocality: Score = {
  name: 'ImageLocality',
  weight: 1,
  score(pod, nodes, { nodes: all }) {
    const containers = [...pod.pod.spec.containers, ...(pod.pod.spec.initContainers ?? [])];
    const images = containers
      .map((each) => each.image ?? '')
      .filter(Boolean)
      .flatMap((image) => [image, normalizedImage(image)]);
    const wanted = [...new Set(images)];
    const spread = wanted.map((image) => all.filter((node) => node.images.has(image)).length / Math.max(all.length, 1));
    if (spread.every((share) => share === 0)) return undefined;
    const maxBytes = maxBytesPerContainer * containers.length;
    return nodes.map((node) => {
      const sum = wanted.reduce((total, image, index) => total + (node.images.get(image) ?? 0) * spread[index]!, 0);
      const bounded = Math.min(Math.max(sum, minBytes), maxBytes);
      return Math.floor((100 * (bounded - minBytes)) / (maxBytes - minBytes));
    });
  },
};
