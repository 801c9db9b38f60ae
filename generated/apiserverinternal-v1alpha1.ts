// Generated from facts/ by scripts/generate-types.ts. Do not edit.
import type { ListMeta, ObjectMeta, Time } from './meta-v1.ts';

export interface ServerStorageVersion {
  apiServerID: string;
  encodingVersion: string;
  decodableVersions: string[];
  servedVersions?: string[];
}

export interface StorageVersion {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec: StorageVersionSpec;
  status?: StorageVersionStatus;
}

export interface StorageVersionCondition {
  type: string;
  status: string;
  observedGeneration?: number;
  lastTransitionTime?: Time;
  reason: string;
  message: string;
}

export interface StorageVersionList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: StorageVersion[];
}

export interface StorageVersionSpec {

}

export interface StorageVersionStatus {
  storageVersions?: ServerStorageVersion[];
  commonEncodingVersion?: string;
  conditions?: StorageVersionCondition[];
}
