// Generated from facts/ by scripts/generate-types.ts. Do not edit.
import type { ListMeta, ObjectMeta } from './meta-v1.ts';

export interface PriorityClass {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  value?: number;
  globalDefault?: boolean;
  description?: string;
  preemptionPolicy?: "PreemptLowerPriority" | "Never";
}

export interface PriorityClassList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: PriorityClass[];
}
