// Generated from facts/ by scripts/generate-types.ts. Do not edit.
import type { Quantity } from './api-resource.ts';
import type { ListMeta, ObjectMeta } from './meta-v1.ts';
import type { Toleration } from './core-v1.ts';

export interface Overhead {
  podFixed?: Record<string, Quantity>;
}

export interface RuntimeClass {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  handler: string;
  overhead?: Overhead;
  scheduling?: Scheduling;
}

export interface RuntimeClassList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: RuntimeClass[];
}

export interface Scheduling {
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
}
