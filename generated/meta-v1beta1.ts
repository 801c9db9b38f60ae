// Generated from facts/ by scripts/generate-types.ts. Do not edit.
import type { ListMeta, PartialObjectMetadata } from './meta-v1.ts';

export interface PartialObjectMetadataList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: PartialObjectMetadata[];
}
