// Events of the core group. The same objects are read and written as events.k8s.io/v1 (events/event.ts).
import type { Event } from '../../../generated/core-v1.ts';
import { eventsV1 } from '../events/event.ts';
import type { Column, KindDefinition } from '../kind.ts';
import { nameColumn } from '../meta/columns.ts';
import { ageOf } from '../meta/human-duration.ts';
import { pathSegmentNameRule } from '../meta/names.ts';
import { validateEvent } from './event-validation.ts';

const firstTime = (event: Event) => event.firstTimestamp ?? event.eventTime;
const lastTime = (event: Event) => event.series?.lastObservedTime ?? event.lastTimestamp ?? firstTime(event);

function targetOf({ involvedObject: { kind = '', name } }: Event): string {
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase();
}

function sourceOf({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source?.component || reportingComponent || '';
  const instance = source?.host || reportingInstance;
  return instance ? `${component}, ${instance}` : component;
}

function fieldLabels(event: Event): Record<string, string> {
  const labels: Record<string, string> = {
    reason: event.reason ?? '',
    reportingComponent: event.reportingComponent ?? '',
    reportingController: event.reportingComponent ?? '',
    source: event.source?.component || event.reportingComponent || '',
    type: event.type ?? '',
  };
  for (const field of ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'] as const) {
    labels[`involvedObject.${field}`] = labels[`regarding.${field}`] = event.involvedObject[field] ?? '';
  }
  return labels;
}

const columns: readonly Column<Event>[] = [
  {
    name: 'Last Seen',
    type: 'string',
    description: 'The time at which the most recent occurrence of this event was recorded.',
    cell: (event, { nowMs }) => ageOf(lastTime(event), nowMs),
  },
  {
    name: 'Type',
    type: 'string',
    description: 'Type of this event (Normal, Warning), new types could be added in the future',
    cell: ({ type }) => type ?? '',
  },
  {
    name: 'Reason',
    type: 'string',
    description:
      "This should be a short, machine understandable string that gives the reason for the transition into the object's current status.",
    cell: ({ reason }) => reason ?? '',
  },
  { name: 'Object', type: 'string', description: 'The object that this event is about.', cell: targetOf },
  {
    name: 'Subobject',
    type: 'string',
    description:
      'If referring to a piece of an object instead of an entire object, this string should contain a valid JSON/Go field access statement, such as desiredState.manifest.containers[2]. For example, if the object reference is to a container within a pod, this would take on a value like: "spec.containers{name}" (where "name" refers to the name of the container that triggered the event) or if no container name is specified "spec.containers[2]" (container with index 2 in this pod). This syntax is chosen only to have some well-defined way of referencing a part of an object.',
    priority: 1,
    cell: ({ involvedObject }) => involvedObject.fieldPath ?? '',
  },
  {
    name: 'Source',
    type: 'string',
    description: 'The component reporting this event. Should be a short machine understandable string.',
    priority: 1,
    cell: sourceOf,
  },
  {
    name: 'Message',
    type: 'string',
    description: 'A human-readable description of the status of this operation.',
    cell: ({ message }) => (message ?? '').trim(),
  },
  {
    name: 'First Seen',
    type: 'string',
    description: 'The time at which the event was first recorded. (Time of server receipt is in TypeMeta.)',
    priority: 1,
    cell: (event, { nowMs }) => ageOf(firstTime(event), nowMs),
  },
  {
    name: 'Count',
    type: 'string',
    description: 'The number of times this event has occurred.',
    priority: 1,
    cell: ({ series, count }) => (series ? (series.count ?? 0) : count || 1),
  },
  { ...nameColumn, priority: 1 },
];

export const eventKind: KindDefinition<Event> = {
  group: '',
  version: 'v1',
  kind: 'Event',
  allowsCreateOnUpdate: true,
  // Nothing depends on events.
  defaultPropagation: 'none',
  // Events are named after what they are about, and that may have odd names.
  nameRule: pathSegmentNameRule,
  metadataLooks: [],
  judgesMetadataAfter: true,
  validate: (event, errors) => validateEvent(event, errors),
  fieldLabels,
  otherVersions: [eventsV1],
  columns,
};
