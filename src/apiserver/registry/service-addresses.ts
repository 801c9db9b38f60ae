// Cluster IPs and node ports are given out here, so that no two Services hold the same.
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';

/** Addresses held until the write is done: from then on the stored object holds them. */
export type Reservation = Disposable;

export interface ServiceAddresses {
  /** Before validation: address families, and what the stored Service already holds. @throws StatusError 422 */
  prepare(resource: ResourceInfo, object: KubernetesObject, current: KubernetesObject | undefined): void;
  /** After validation: fills in what is open. Undefined when there is nothing to hold. @throws StatusError 422 */
  reserve(
    resource: ResourceInfo,
    object: KubernetesObject,
    current: KubernetesObject | undefined,
  ): Reservation | undefined;
}
