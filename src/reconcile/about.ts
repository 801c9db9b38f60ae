import type { ObjectMeta } from '../../generated/meta-v1.ts';
import { apiVersionOf, type KindRef, type KubernetesObject } from '../api/meta/object.ts';

/** An object as the event recorder wants it named; objects of lists and caches may lack their own type. */
export function about<T extends KubernetesObject>(
  kind: KindRef<T>,
  object: T,
): { apiVersion: string; kind: string; metadata: ObjectMeta } {
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: object.metadata };
}
