// CronJob.
import type { CronJob, JobTemplateSpec } from '../../../generated/batch-v1.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { nonNegative } from '../meta/number-validation.ts';
import { requireSupported } from '../meta/supported.ts';
import { parseCronSchedule } from './cron-schedule.ts';
import { validateJobSpec } from './job-validation.ts';
import { isTimeZone } from './time-zones.ts';

const at = path('spec');
/** The controller appends `-` and ten digits to make the names of jobs, which may have 63 characters. */
const maxNameLength = 52;

export function validateCronJob({ metadata, spec }: CronJob, errors: FieldErrors): void {
  if ((metadata.name ?? '').length > maxNameLength) {
    errors.invalid(path('metadata', 'name'), metadata.name, `must be no more than ${maxNameLength} characters`);
  }
  if (!spec) return;
  if (!spec.schedule) errors.required(at.child('schedule'));
  else validateSchedule(spec.schedule, spec.timeZone !== undefined, at.child('schedule'), errors);
  nonNegative(spec.startingDeadlineSeconds, at.child('startingDeadlineSeconds'), errors);
  if (spec.timeZone !== undefined) validateTimeZone(spec.timeZone, at.child('timeZone'), errors);
  const policies = ['Allow', 'Forbid', 'Replace'];
  requireSupported(errors, at.child('concurrencyPolicy'), spec.concurrencyPolicy, policies);
  validateJobTemplate(spec.jobTemplate, at.child('jobTemplate'), errors);
  nonNegative(spec.successfulJobsHistoryLimit, at.child('successfulJobsHistoryLimit'), errors);
  nonNegative(spec.failedJobsHistoryLimit, at.child('failedJobsHistoryLimit'), errors);
}

function validateSchedule(schedule: string, hasTimeZone: boolean, place: FieldPath, errors: FieldErrors): void {
  try {
    parseCronSchedule(schedule);
  } catch (error) {
    errors.invalid(place, schedule, (error as Error).message);
  }
  if (!schedule.includes('TZ')) return;
  errors.invalid(
    place,
    schedule,
    hasTimeZone
      ? 'cannot use both timeZone field and TZ or CRON_TZ in schedule'
      : 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
  );
}

function validateTimeZone(zone: string, place: FieldPath, errors: FieldErrors): void {
  if (zone === '') {
    errors.invalid(place, zone, 'timeZone must be nil or non-empty string');
    return;
  }
  if (zone.toLowerCase() === 'local') {
    errors.invalid(place, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones');
  }
  // Upstream finds its own machine's zone by this name.
  if (zone !== 'Local' && !isTimeZone(zone)) errors.invalid(place, zone, `unknown time zone ${zone}`);
}

function validateJobTemplate(template: JobTemplateSpec | undefined, place: FieldPath, errors: FieldErrors): void {
  const spec = template?.spec;
  if (!spec) {
    errors.required(place.child('spec', 'template'));
    return;
  }
  validateJobSpec(spec, place.child('spec'), errors);
  if (spec.manualSelector) errors.notSupported(place.child('spec', 'manualSelector'), true, ['nil', 'false']);
  if (spec.selector) {
    errors.invalid(place.child('spec', 'selector'), spec.selector, '`selector` will be auto-generated');
  }
}
