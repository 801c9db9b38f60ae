// events.k8s.io/v1: other names for the fields of a core Event, and stricter rules for new ones.
import type { Event as CoreEvent } from '../../../generated/core-v1.ts';
import type { Event } from '../../../generated/events-v1.ts';
import { validateEvent } from '../core/event-validation.ts';
import type { OtherVersion } from '../kind.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { goField } from '../meta/go-form.ts';
import type { KubernetesObject } from '../meta/object.ts';
import { validateMetadata } from '../meta/object-meta-validation.ts';
import { immutableMessage } from '../meta/strategy.ts';

/** Fields that have another name in the core group. */
const coreNames = {
  reportingController: 'reportingComponent',
  regarding: 'involvedObject',
  note: 'message',
  deprecatedSource: 'source',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedCount: 'count',
} as const satisfies Partial<Record<keyof Event, keyof CoreEvent>>;

function rename(object: KubernetesObject, names: Record<string, string>): KubernetesObject {
  const renamed: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(object)) renamed[names[field] ?? field] = value;
  return renamed as unknown as KubernetesObject;
}

const eventNames = Object.fromEntries(Object.entries(coreNames).map(([field, name]) => [name, field]));

function validateSeries({ series }: CoreEvent, errors: FieldErrors): void {
  if (!series) return;
  if ((series.count ?? 0) < 2) errors.invalid(path('series.count'), '', 'should be at least 2');
  if (!series.lastObservedTime) errors.required(path('series.lastObservedTime'));
}

function validateCreate(event: CoreEvent, errors: FieldErrors): void {
  validateMetadata(event.metadata, { namespaced: true }, errors);
  validateSeries(event, errors);
  if (!event.eventTime) errors.required(path('eventTime'));
  if (event.type !== 'Normal' && event.type !== 'Warning') {
    errors.invalid(path('type'), '', `has invalid value: ${event.type ?? ''}`);
  }
  const unset = (field: string, value: unknown) => {
    if (value) errors.invalid(path(field), '', 'needs to be unset');
  };
  unset('firstTimestamp', event.firstTimestamp);
  unset('lastTimestamp', event.lastTimestamp);
  unset('count', event.count);
  unset('source', event.source?.component || event.source?.host);
}

/** Only the series of an event may still grow. The reason is looked at twice, as upstream does. */
const immutableFields = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'reason',
  'type',
  'eventTime',
  'action',
  'related',
  'reportingComponent',
  'reportingInstance',
] as const;

export const eventsV1: OtherVersion<CoreEvent> = {
  group: 'events.k8s.io',
  version: 'v1',
  toStorage: (object) => rename(object, coreNames) as CoreEvent,
  fromStorage: (object) => rename(object, eventNames),
  rules: {
    metadataLooks: ['change'],
    validate: (event, errors) => validateEvent(event, errors, 'reportingController'),
    validateCreate,
    validateUpdate(next, current, errors) {
      if (JSON.stringify(next.series) !== JSON.stringify(current.series)) validateSeries(next, errors);
      for (const field of immutableFields) {
        if (isEqual(next[field], current[field])) continue;
        const at = path(field === 'reportingComponent' ? 'reportingController' : field);
        errors.invalid(at, goField('io.k8s.api.core.v1.Event', next, field), immutableMessage);
      }
    },
  },
};
