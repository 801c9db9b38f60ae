// Generated from facts/ by scripts/generate-types.ts. Do not edit.
import type { Quantity } from './api-resource.ts';
import type { Duration, ListMeta, ObjectMeta, Time } from './meta-v1.ts';

export interface ContainerMetrics {
  name: string;
  usage: Record<string, Quantity>;
}

export interface NodeMetrics {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  timestamp: Time;
  window: Duration;
  usage: Record<string, Quantity>;
}

export interface NodeMetricsList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: NodeMetrics[];
}

export interface PodMetrics {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  timestamp: Time;
  window: Duration;
  containers: ContainerMetrics[];
}

export interface PodMetricsList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: PodMetrics[];
}
