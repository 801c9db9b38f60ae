// Columns of kinds that hold a pod template: what runs in it.
import type { PodSpec } from '../../../generated/core-v1.ts';
import type { Column } from '../kind.ts';

const namesOf = (spec: PodSpec | undefined): string => (spec?.containers ?? []).map(({ name }) => name).join(',');
const imagesOf = (spec: PodSpec | undefined): string =>
  (spec?.containers ?? []).map(({ image }) => image ?? '').join(',');

/** CONTAINERS and IMAGES; `priority` 1 except in PodTemplate's own table. */
export function containerColumns<T>(specOf: (object: T) => PodSpec | undefined, priority = 1): readonly Column<T>[] {
  return [
    {
      name: 'Containers',
      type: 'string',
      description: 'Names of each container in the template.',
      priority,
      cell: (object) => namesOf(specOf(object)),
    },
    {
      name: 'Images',
      type: 'string',
      description: 'Images referenced by each container in the template.',
      priority,
      cell: (object) => imagesOf(specOf(object)),
    },
  ];
}
