// Versions of one resource are equivalent: a rule that names one of them can be meant for all.
import type { ResourceInfo } from '../../../api/resource-info.ts';
import type { ResourceTable } from '../../registry/resource-table.ts';

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** What an object of this resource, or of a part of it, is. Undefined when this version has no such part. */
export function kindFor(resource: ResourceInfo, subresource: string): GroupVersionKind | undefined {
  if (!subresource) return resource;
  return resource.subresources.find(({ name }) => name === subresource);
}

const known = new WeakMap<ResourceInfo, { readonly generation: number; readonly others: readonly ResourceInfo[] }>();

/** The same resource in other versions and groups that are served, without itself. */
export function equivalentsOf(table: ResourceTable, resource: ResourceInfo): readonly ResourceInfo[] {
  const cached = known.get(resource);
  if (cached?.generation === table.generation) return cached.others;
  const { storage } = resource;
  const others = table.all().filter((other) => {
    const isItself = other.group === resource.group && other.version === resource.version;
    return !isItself && other.storage.plural === storage.plural && other.storage.group === storage.group;
  });
  known.set(resource, { generation: table.generation, others });
  return others;
}
