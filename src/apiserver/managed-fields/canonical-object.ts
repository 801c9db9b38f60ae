import type { KubernetesObject } from '../../api/meta/object.ts';
import { canonicalNoting, canonicalStored } from '../../schema/codec.ts';

export interface CanonicalObject {
  readonly object: KubernetesObject;
  /** As it is to be stored; the object itself, unless it holds empty lists or maps. */
  stored(): KubernetesObject;
}

/**
 * The canonical form of an object that is to be judged and stored. Its managers are in that form already, and often the larger
 * part of it: they are passed on as they are, to their place as the last of the metadata.
 */
export function canonicalObject(typeName: string, draft: KubernetesObject): CanonicalObject {
  const { metadata } = draft;
  const managers = metadata.managedFields;
  delete metadata.managedFields;
  const { object, hasEmpty } = canonicalNoting<KubernetesObject>(typeName, draft);
  if (managers) metadata.managedFields = object.metadata.managedFields = managers;
  return { object, stored: () => (hasEmpty ? canonicalStored<KubernetesObject>(typeName, object) : object) };
}
