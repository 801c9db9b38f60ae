// Cluster IPs and node ports are given out here, so that no two Services hold the same.
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';

/** Addresses held for a write; released unless `keep` was called. */
export interface Reservation extends Disposable {
  keep(): void;
}

export interface ServiceAddresses {
  /** Fills in what a Service leaves open. Undefined when there was nothing to reserve. @throws StatusError 422 */
  reserve(
    resource: ResourceInfo,
    object: KubernetesObject,
    current: KubernetesObject | undefined,
  ): Promise<Reservation | undefined>;
}

export const noAddresses: ServiceAddresses = { reserve: async () => undefined };
