// Makers of volumes that work inside this process. Others watch the API and are found by the annotations on claims.
import type { PersistentVolume, PersistentVolumeClaim } from '../../../generated/core-v1.ts';
import type { StorageClass } from '../../../generated/storage-v1.ts';

export interface ProvisionRequest {
  readonly claim: PersistentVolumeClaim;
  readonly storageClass: StorageClass;
  /** Where the pod goes; absent: the claim does not wait for one. */
  readonly nodeName?: string;
  /** What the volume is to be called. */
  readonly volumeName: string;
}

export interface Provisioner {
  /** As StorageClasses name it. */
  readonly name: string;
  /** The volume, without what binds it to the claim. @throws Error whose message is told to the claim's owner */
  provision(request: ProvisionRequest, signal: AbortSignal): Promise<PersistentVolume>;
}

export interface Deleter {
  /** As annotations of volumes name it. */
  readonly name: string;
  deletes(volume: PersistentVolume): boolean;
  /** Removes what the volume keeps. @throws Error whose message becomes the volume's */
  delete(volume: PersistentVolume, signal: AbortSignal): Promise<void>;
}
