import type { KubernetesObject } from '../../api/meta/object.ts';
import { canonicalStored } from '../../schema/codec.ts';

/**
 * The canonical form of an object that is to be stored. Its managers are in that form already, and often the larger part
 * of it: they are passed on as they are, to their place as the last of the metadata.
 */
export function canonicalObject(typeName: string, draft: KubernetesObject): KubernetesObject {
  const { metadata } = draft;
  const managers = metadata.managedFields;
  if (!managers) return canonicalStored<KubernetesObject>(typeName, draft);
  delete metadata.managedFields;
  const object = canonicalStored<KubernetesObject>(typeName, draft);
  metadata.managedFields = managers;
  object.metadata.managedFields = managers;
  return object;
}
