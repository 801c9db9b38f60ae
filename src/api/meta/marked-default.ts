import type { KubernetesObject } from './object.ts';

/** Annotations of the storage class that claims get which name none. */
export const defaultStorageClassMarks = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
] as const;

/** The newest of those marked as default; of two of one age the first by name. */
export function markedDefault<T extends KubernetesObject>(objects: readonly T[], ...marks: string[]): T | undefined {
  const marked = objects.filter(({ metadata }) => marks.some((key) => metadata.annotations?.[key] === 'true'));
  const age = ({ metadata }: T) => metadata.creationTimestamp ?? '';
  return marked.sort((a, b) =>
    age(a) < age(b) ? 1 : age(a) > age(b) ? -1 : a.metadata.name! < b.metadata.name! ? -1 : 1,
  )[0];
}
