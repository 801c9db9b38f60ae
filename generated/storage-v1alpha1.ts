// Generated from facts/ by scripts/generate-types.ts. Do not edit.
import type { LabelSelector, ListMeta, ObjectMeta, Time } from './meta-v1.ts';
import type { Quantity } from './api-resource.ts';
import type { PersistentVolumeSpec } from './core-v1.ts';

export interface CSIStorageCapacity {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  nodeTopology?: LabelSelector;
  storageClassName: string;
  capacity?: Quantity;
  maximumVolumeSize?: Quantity;
}

export interface CSIStorageCapacityList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: CSIStorageCapacity[];
}

export interface VolumeAttachment {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec: VolumeAttachmentSpec;
  status?: VolumeAttachmentStatus;
}

export interface VolumeAttachmentList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: VolumeAttachment[];
}

export interface VolumeAttachmentSource {
  persistentVolumeName?: string;
  inlineVolumeSpec?: PersistentVolumeSpec;
}

export interface VolumeAttachmentSpec {
  attacher: string;
  source: VolumeAttachmentSource;
  nodeName: string;
}

export interface VolumeAttachmentStatus {
  attached: boolean;
  attachmentMetadata?: Record<string, string>;
  attachError?: VolumeError;
  detachError?: VolumeError;
}

export interface VolumeAttributesClass {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  driverName: string;
  parameters?: Record<string, string>;
}

export interface VolumeAttributesClassList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: VolumeAttributesClass[];
}

export interface VolumeError {
  time?: Time;
  message?: string;
  errorCode?: number;
}
