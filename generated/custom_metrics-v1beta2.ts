// Generated from facts/ by scripts/generate-types.ts. Do not edit.
import type { LabelSelector, ListMeta, Time } from './meta-v1.ts';
import type { ObjectReference } from './core-v1.ts';
import type { Quantity } from './api-resource.ts';

export interface MetricIdentifier {
  name: string;
  selector?: LabelSelector;
}

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
  metric: MetricIdentifier;
  timestamp: Time;
  windowSeconds?: number;
  value: Quantity;
}

export interface MetricValueList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: MetricValue[];
}
