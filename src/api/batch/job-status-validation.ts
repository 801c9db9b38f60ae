// What the status of a job may say. Of what is wrong in it, only that counts which a write has changed: a controller finds
// the rest wrong for a moment after the spec has changed.
import type { Job, JobStatus } from '../../../generated/batch-v1.ts';
import { isConditionTrue } from '../meta/conditions.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { nonNegative } from '../meta/number-validation.ts';
import { immutableMessage } from '../meta/strategy.ts';
import { timeMs } from '../meta/time.ts';
import { countIndexes, firstCommonIndex } from './index-ranges.ts';

const at = path('status');
const conditionsAt = at.child('conditions');
const counts = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const;

/** Both sides of a write, and whether something differs between them. */
interface Change {
  readonly job: Job;
  readonly next: JobStatus;
  readonly current: JobStatus;
  /** A condition that is true after the write. */
  has(type: string): boolean;
  had(type: string): boolean;
  /** Of any of these conditions. */
  turned(...types: string[]): boolean;
  differs(...fields: (keyof JobStatus)[]): boolean;
}

export function validateJobStatus(job: Job, stored: Job, errors: FieldErrors): void {
  const [next, current] = [job.status ?? {}, stored.status ?? {}];
  const has = (type: string) => isConditionTrue(next.conditions, type);
  const had = (type: string) => isConditionTrue(current.conditions, type);
  const change: Change = {
    job,
    next,
    current,
    has,
    had,
    turned: (...types) => types.some((type) => has(type) !== had(type)),
    differs: (...fields) => fields.some((field) => !isEqual(next[field], current[field])),
  };
  for (const field of counts) nonNegative(next[field], at.child(field), errors);
  validateUncounted(next, errors);
  validateCompletion(change, errors);
  validateFinished(change, errors);
  validateIndexes(change, errors);
  validateEnd(change, errors);
  validateTransitions(change, errors);
}

function validateUncounted({ uncountedTerminatedPods: uncounted }: JobStatus, errors: FieldErrors): void {
  const seen = new Set<string>();
  for (const list of ['succeeded', 'failed'] as const) {
    uncounted?.[list]?.forEach((uid, index) => {
      const place = at.child('uncountedTerminatedPods', list).index(index);
      if (!uid) errors.invalid(place, uid, 'must not be empty');
      else if (seen.has(uid)) errors.duplicate(place, uid);
      seen.add(uid);
    });
  }
}

function validateCompletion({ next, has, turned, differs }: Change, errors: FieldErrors): void {
  const { startTime, completionTime } = next;
  const place = at.child('completionTime');
  const isComplete = has('Complete');
  if (turned('Complete', 'Failed') && isComplete && has('Failed')) {
    errors.invalidWhole(conditionsAt, 'cannot set Complete=True and Failed=true conditions');
  }
  if (turned('Complete', 'FailureTarget') && isComplete && has('FailureTarget')) {
    errors.invalidWhole(conditionsAt, 'cannot set Complete=True and FailureTarget=true conditions');
  }
  if (turned('Complete') || differs('completionTime')) {
    if (completionTime && !isComplete) {
      errors.invalid(place, completionTime, 'cannot set completionTime when there is no Complete=True condition');
    }
    if (!completionTime && isComplete) errors.required(place, 'completionTime is required for Complete jobs');
  }
  if (
    differs('startTime', 'completionTime') &&
    startTime &&
    completionTime &&
    timeMs(completionTime)! < timeMs(startTime)!
  ) {
    errors.invalid(place, completionTime, 'must be equal to or after `startTime`');
  }
  if ((turned('Failed') || differs('failedIndexes')) && has('Failed') && !has('FailureTarget')) {
    errors.invalidWhole(conditionsAt, 'cannot set Failed=True condition without the FailureTarget=true condition');
  }
  if (turned('Complete', 'SuccessCriteriaMet') && isComplete && !has('SuccessCriteriaMet')) {
    errors.invalidWhole(
      conditionsAt,
      'cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
    );
  }
}

const isFinished = (has: (type: string) => boolean): boolean => has('Complete') || has('Failed');

function validateFinished({ job, next, has, had, differs }: Change, errors: FieldErrors): void {
  if (!isFinished(has)) return;
  const isNew = !isFinished(had);
  const { active = 0, startTime, uncountedTerminatedPods: uncounted } = next;
  if ((isNew || differs('active')) && active > 0) {
    errors.invalid(at.child('active'), active, 'active>0 is invalid for finished job');
  }
  const neverStarts = job.spec?.suspend === true && job.spec.completions === 0;
  if ((isNew || differs('startTime')) && !neverStarts && !startTime) {
    errors.required(at.child('startTime'), 'startTime is required for finished job');
  }
  const rest = (uncounted?.failed?.length ?? 0) + (uncounted?.succeeded?.length ?? 0);
  if ((isNew || differs('uncountedTerminatedPods')) && rest > 0) {
    const shown = goForm('io.k8s.api.batch.v1.UncountedTerminatedPods', uncounted);
    errors.invalid(at.child('uncountedTerminatedPods'), shown, 'must be empty for finished job');
  }
}

function validateIndexes({ job, next, differs }: Change, errors: FieldErrors): void {
  const { completions, backoffLimitPerIndex, completionMode } = job.spec!;
  const { completedIndexes: completed = '', failedIndexes: failed } = next;
  const [completedAt, failedAt] = [at.child('completedIndexes'), at.child('failedIndexes')];
  const refuseBad = (text: string, field: 'completedIndexes' | 'failedIndexes') => {
    try {
      countIndexes(text, completions!);
    } catch (error) {
      errors.invalid(at.child(field), text, `error parsing ${field}: ${(error as Error).message}`);
    }
  };
  if (completions !== undefined) {
    if (differs('completedIndexes')) refuseBad(completed, 'completedIndexes');
    const isLimited = backoffLimitPerIndex !== undefined && failed !== undefined;
    if (differs('failedIndexes') && isLimited) refuseBad(failed, 'failedIndexes');
  }
  if (differs('completedIndexes') && completed && completionMode !== 'Indexed') {
    errors.invalid(completedAt, completed, 'cannot set non-empty completedIndexes when non-indexed completion mode');
  }
  if (differs('failedIndexes') && failed !== undefined && backoffLimitPerIndex === undefined) {
    errors.invalid(failedAt, failed, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null');
  }
  if (!differs('failedIndexes', 'completedIndexes') || completions === undefined || !failed || !completed) return;
  const common = firstCommonIndex(completed, failed, completions);
  if (common !== undefined) {
    errors.invalid(failedAt, failed, `failedIndexes and completedIndexes overlap at index: ${common}`);
  }
}

function validateEnd({ job, next, has, had, differs }: Change, errors: FieldErrors): void {
  const { active = 0, ready, terminating = 0 } = next;
  const isDone = isFinished(has);
  if ((isDone !== isFinished(had) || differs('terminating')) && isDone && terminating > 0) {
    errors.invalid(at.child('terminating'), terminating, 'terminating>0 is invalid for finished job');
  }
  if (differs('ready', 'active') && ready !== undefined && ready > active) {
    errors.invalid(at.child('ready'), ready, 'cannot set more ready pods than active');
  }
  const isMet = has('SuccessCriteriaMet');
  if (isMet && has('Failed')) {
    errors.invalidWhole(conditionsAt, 'cannot set SuccessCriteriaMet=True and Failed=true conditions');
  }
  if (isMet && has('FailureTarget')) {
    errors.invalidWhole(conditionsAt, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions');
  }
  if (job.spec?.successPolicy && !isMet && has('Complete')) {
    const problem = 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True';
    errors.invalidWhole(conditionsAt, problem);
  }
}

/** What has been said once. */
function validateTransitions({ job, next, current, has, had, differs }: Change, errors: FieldErrors): void {
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    if (had(type) && !has(type))
      errors.invalidWhole(conditionsAt, `cannot disable the terminal ${type}=True condition`);
  }
  const { spec } = job;
  const mayShrink = spec?.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  for (const field of ['failed', 'succeeded'] as const) {
    const count = next[field] ?? 0;
    if ((field === 'succeeded' && mayShrink) || count >= (current[field] ?? 0)) continue;
    errors.invalid(at.child(field), count, `cannot decrease the ${field} counter`);
  }
  const { completionTime, startTime } = next;
  if (completionTime && current.completionTime && completionTime !== current.completionTime) {
    errors.invalid(at.child('completionTime'), completionTime, immutableMessage);
  }
  const suspended = next.conditions?.find(({ type }) => type === 'Suspended')?.status;
  const isResuming = had('Suspended') && suspended === 'False';
  if (current.startTime && differs('startTime') && !isResuming && !spec?.suspend) {
    errors.invalid(at.child('startTime'), startTime, 'field is immutable for unsuspended job once set');
  }
  const [met, wasMet] = [has('SuccessCriteriaMet'), had('SuccessCriteriaMet')];
  if (wasMet && !met) errors.invalidWhole(conditionsAt, 'cannot disable the SuccessCriteriaMet=True condition');
  if (had('Complete') && !wasMet && met) {
    const problem = 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions';
    errors.invalidWhole(conditionsAt, problem);
  }
}
