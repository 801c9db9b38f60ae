// Who owns and who manages an object.
import type { ObjectMeta, OwnerReference } from '../../../generated/meta-v1.ts';
import { apiVersionOf, type KubernetesObject } from './object.ts';

type Owned = { readonly metadata: Pick<ObjectMeta, 'ownerReferences'> };

/** The one owner that manages this object. */
export function controllerOf(object: Owned): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller);
}

export function isControlledBy(object: Owned, owner: KubernetesObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** The reference that `owner` puts on what it makes. */
export function controllerReference(
  owner: KubernetesObject,
  kind: { readonly group: string; readonly version: string; readonly kind: string },
): OwnerReference {
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}
