// From an object in the version a client sent to the storage version, defaulted on the way; and back.
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';

export function toStorage(resource: ResourceInfo, object: KubernetesObject): KubernetesObject {
  resource.defaults(object);
  return resource.toStorage(object);
}
