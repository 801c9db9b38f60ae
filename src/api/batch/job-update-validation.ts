// What may change in a job, and what its status may say.
import type { Job, JobSpec, JobStatus } from '../../../generated/batch-v1.ts';
import type { PodTemplateSpec } from '../../../generated/core-v1.ts';
import { isConditionTrue } from '../meta/conditions.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { nonNegative } from '../meta/number-validation.ts';
import { checkImmutable, immutableMessage } from '../meta/strategy.ts';
import { timeMs } from '../meta/time.ts';
import { countIndexes } from './index-ranges.ts';
import { validateJobSpecWithSelector } from './job-validation.ts';

const at = path('spec');

export function validateJobUpdate(next: Job, current: Job, errors: FieldErrors): void {
  const [spec, before] = [next.spec!, current.spec!];
  validateJobSpecWithSelector(spec, errors); // a second time, as upstream does
  validateCompletions(spec, before, errors);
  checkImmutable(errors, at.child('selector'), spec.selector, before.selector);
  validateTemplateUpdate(next, current, errors);
  for (const field of [
    'completionMode',
    'podFailurePolicy',
    'backoffLimitPerIndex',
    'managedBy',
    'successPolicy',
  ] as const) {
    checkImmutable(errors, at.child(field), spec[field], before[field]);
  }
}

function validateCompletions(spec: JobSpec, before: JobSpec, errors: FieldErrors): void {
  const place = at.child('completions');
  if (spec.completionMode !== 'Indexed') checkImmutable(errors, place, spec.completions, before.completions);
  else if (spec.completions !== before.completions) {
    if (spec.completions === undefined) errors.required(place, 'when completion mode is Indexed');
    else if (spec.completions !== spec.parallelism) {
      errors.invalid(place, spec.completions, 'can only be modified in tandem with spec.parallelism');
    }
  }
}

/** Nothing runs: scheduling directives and resources of the template may still change. */
function isAtRest({ spec, status }: Job): boolean {
  return spec?.suspend === true && !status?.startTime;
}

function validateTemplateUpdate(next: Job, current: Job, errors: FieldErrors): void {
  const template = next.spec!.template;
  const allowed =
    isAtRest(current) || (current.spec?.suspend === true && next.spec?.suspend === true && !current.status?.active);
  const before = allowed ? withDirectives(current.spec!.template, template) : current.spec!.template;
  if (isEqual(template, before)) return;
  errors.invalid(at.child('template'), shownTemplate(template), immutableMessage);
}

/** The stored template with what may change taken from the new one. */
function withDirectives(stored: PodTemplateSpec, next: PodTemplateSpec): PodTemplateSpec {
  const spec = { ...stored.spec! } as Record<string, unknown>;
  const wanted = (next.spec ?? {}) as unknown as Record<string, unknown>;
  for (const field of ['affinity', 'nodeSelector', 'tolerations', 'schedulingGates', 'resources']) {
    if (wanted[field] === undefined) delete spec[field];
    else spec[field] = wanted[field];
  }
  for (const list of ['containers', 'initContainers'] as const) {
    spec[list] = stored.spec?.[list]?.map((container) => {
      const same = next.spec?.[list]?.find(({ name }) => name === container.name);
      return same ? { ...container, resources: same.resources } : container;
    });
  }
  return { ...stored, metadata: next.metadata, spec } as unknown as PodTemplateSpec;
}

function shownTemplate({ metadata = {} as never, spec }: PodTemplateSpec): unknown {
  return { ...(metadata as object), Spec: goForm('io.k8s.api.core.v1.PodSpec', spec) };
}

const counts = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const;

export function validateJobStatus(next: Job, _current: Job, errors: FieldErrors): void {
  const status = next.status ?? {};
  const place = path('status');
  for (const field of counts) nonNegative(status[field], place.child(field), errors);
  validateConditions(status, errors);
  validateTimes(status, errors);
  validateIndexes(next, status, errors);
}

function validateConditions({ conditions }: JobStatus, errors: FieldErrors): void {
  const place = path('status', 'conditions');
  const has = (type: string): boolean => isConditionTrue(conditions, type);
  const refuse = (detail: string): void => errors.invalidWhole(place, detail);
  if (has('Complete') && has('Failed')) refuse('cannot set Complete=True and Failed=true conditions');
  if (has('Complete') && has('FailureTarget')) refuse('cannot set Complete=True and FailureTarget=true conditions');
  if (has('SuccessCriteriaMet') && has('FailureTarget')) {
    refuse('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions');
  }
  if (has('SuccessCriteriaMet') && has('Failed'))
    refuse('cannot set SuccessCriteriaMet=True and Failed=true conditions');
  if (has('Failed') && !has('FailureTarget')) {
    refuse('cannot set Failed=True condition without the FailureTarget=true condition');
  }
  if (has('Complete') && !has('SuccessCriteriaMet')) {
    refuse('cannot set Complete=True condition without the SuccessCriteriaMet=true condition');
  }
}

function validateTimes({ startTime, completionTime, conditions }: JobStatus, errors: FieldErrors): void {
  const place = path('status', 'completionTime');
  const isComplete = isConditionTrue(conditions, 'Complete');
  if (isComplete && !completionTime) errors.required(place, 'completionTime is required for Complete jobs');
  if (!completionTime) return;
  if (!isComplete) {
    errors.invalid(place, completionTime, 'cannot set completionTime when there is no Complete=True condition');
  }
  if (startTime && timeMs(startTime)! > timeMs(completionTime)!) {
    errors.invalid(place, completionTime, 'must be equal to or after `startTime`');
  }
}

function validateIndexes({ spec }: Job, status: JobStatus, errors: FieldErrors): void {
  const isIndexed = spec?.completionMode === 'Indexed';
  for (const field of ['completedIndexes', 'failedIndexes'] as const) {
    const text = status[field];
    if (!text) continue;
    const place = path('status', field);
    try {
      countIndexes(text, spec?.completions ?? 0);
    } catch (error) {
      errors.invalid(place, text, `error parsing ${field}: ${(error as Error).message}`);
    }
    if (!isIndexed) errors.invalid(place, text, `cannot set non-empty ${field} when non-indexed completion mode`);
    else if (field === 'failedIndexes' && spec?.backoffLimitPerIndex === undefined) {
      errors.invalid(place, text, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null');
    }
  }
}
