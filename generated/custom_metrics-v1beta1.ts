// Generated from facts/ by scripts/generate-types.ts. Do not edit.
import type { ObjectReference } from './core-v1.ts';
import type { LabelSelector, ListMeta, Time } from './meta-v1.ts';
import type { Quantity } from './api-resource.ts';

export interface MetricListOptions {
  apiVersion?: string;
  kind?: string;
  labelSelector?: string;
  metricLabelSelector?: string;
}

export interface MetricValue {
  apiVersion?: string;
  kind?: string;
  describedObject: ObjectReference;
  metricName: string;
  timestamp: Time;
  window?: number;
  value: Quantity;
  selector?: LabelSelector;
}

export interface MetricValueList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: MetricValue[];
}
