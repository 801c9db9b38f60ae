import type { Event } from '../../../generated/core-v1.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { byteLength, dns1123SubdomainProblems, qualifiedNameProblems } from '../meta/names.ts';

function requireShort(value: string | undefined, field: string, errors: FieldErrors): void {
  if (!value) errors.required(path(field));
  if (byteLength(value ?? '') > 128) errors.invalid(path(field), '', 'can have at most 128 characters');
}

/** Events that say when they happened are held to the newer rules, whichever version they came in. */
export function validateEvent(event: Event, errors: FieldErrors, controllerField = 'reportingComponent'): void {
  const { involvedObject, reportingComponent = '', message = '' } = event;
  const own = event.metadata.namespace ?? '';
  const regarding = involvedObject.namespace ?? '';
  const mayBeClusterScoped = event.eventTime ? ['default', 'kube-system'] : ['', 'default'];
  const fits = regarding ? !!event.eventTime || regarding === own : mayBeClusterScoped.includes(own);
  if (!fits) errors.invalid(path('involvedObject', 'namespace'), regarding, 'does not match event.namespace');
  if (event.eventTime) {
    if (!reportingComponent) errors.required(path(controllerField));
    for (const problem of qualifiedNameProblems(reportingComponent)) {
      errors.invalid(path(controllerField), reportingComponent, problem);
    }
    requireShort(event.reportingInstance, 'reportingInstance', errors);
    requireShort(event.action, 'action', errors);
    requireShort(event.reason, 'reason', errors);
    if (byteLength(message) > 1024) errors.invalid(path('message'), '', 'can have at most 1024 characters');
  }
  for (const problem of dns1123SubdomainProblems(own)) errors.invalid(path('namespace'), own, problem);
}
