// Cluster IPs and node ports are given out here, so that no two Services hold the same.
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';

/** Addresses held until the write is done: from then on the stored object holds them. */
export type Reservation = Disposable;

export interface ServiceAddresses {
  /**
   * Before anything is validated: settles address families, keeps what the stored Service holds, and fills in what is
   * open. Undefined when there is nothing to hold. @throws StatusError 422
   */
  reserve(
    resource: ResourceInfo,
    object: KubernetesObject,
    current: KubernetesObject | undefined,
    isDryRun: boolean,
  ): Reservation | undefined;
}
