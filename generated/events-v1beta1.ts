// Generated from facts/ by scripts/generate-types.ts. Do not edit.
import type { ListMeta, MicroTime, ObjectMeta, Time } from './meta-v1.ts';
import type { EventSource, ObjectReference } from './core-v1.ts';

export interface Event {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  eventTime: MicroTime;
  series?: EventSeries;
  reportingController?: string;
  reportingInstance?: string;
  action?: string;
  reason?: string;
  regarding?: ObjectReference;
  related?: ObjectReference;
  note?: string;
  type?: string;
  deprecatedSource?: EventSource;
  deprecatedFirstTimestamp?: Time;
  deprecatedLastTimestamp?: Time;
  deprecatedCount?: number;
}

export interface EventList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: Event[];
}

export interface EventSeries {
  count: number;
  lastObservedTime: MicroTime;
}
