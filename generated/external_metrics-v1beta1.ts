// Generated from facts/ by scripts/generate-types.ts. Do not edit.
import type { ListMeta, Time } from './meta-v1.ts';
import type { Quantity } from './api-resource.ts';

export interface ExternalMetricValue {
  apiVersion?: string;
  kind?: string;
  metricName: string;
  metricLabels: Record<string, string>;
  timestamp: Time;
  window?: number;
  value: Quantity;
}

export interface ExternalMetricValueList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: ExternalMetricValue[];
}
