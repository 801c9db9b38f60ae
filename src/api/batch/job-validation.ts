// Job, and the job inside a CronJob.
import type { Job, JobSpec, SuccessPolicy } from '../../../generated/batch-v1.ts';
import { selectsTemplate } from '../apps/template-validation.ts';
import { validatePodTemplate } from '../core/pod-template-validation.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { matchesSelector, validateLabelSelector } from '../meta/labels.ts';
import { dns1123LabelProblems, dns1123SubdomainProblems } from '../meta/names.ts';
import { nonNegative } from '../meta/number-validation.ts';
import { isReadableSelector, selectorOf } from '../meta/selectors.ts';
import { checkSupported } from '../meta/supported.ts';
import { countIndexes } from './index-ranges.ts';
import { controllerUidLabel, jobNameLabel } from './job-selector.ts';
import { validateFailurePolicy } from './pod-failure-policy.ts';

const at = path('spec');
const maxIndexes = 100_000;

export function validateJob(job: Job, errors: FieldErrors): void {
  const spec = job.spec!;
  validateGeneratedSelector(job, errors);
  validateJobSpecWithSelector(spec, errors);
  if (spec.completionMode !== 'Indexed' || !spec.completions || spec.completions < 0) return;
  const { name = '' } = job.metadata;
  const hostname = `${name}-${spec.completions - 1}`;
  if (dns1123LabelProblems(hostname).length === 0) return;
  errors.invalid(path('metadata', 'name'), name, `will not able to create pod with invalid DNS label: ${hostname}`);
}

function validateGeneratedSelector({ metadata, spec }: Job, errors: FieldErrors): void {
  const selector = spec?.selector;
  if (spec?.manualSelector || !selector || !isReadableSelector(selector)) return;
  const given = spec.template?.metadata?.labels ?? {};
  const place = at.child('template', 'metadata', 'labels');
  const expected = [
    ['controller-uid', metadata.uid ?? ''],
    ['job-name', metadata.name ?? ''],
    [controllerUidLabel, metadata.uid ?? ''],
    [jobNameLabel, metadata.name ?? ''],
  ] as const;
  for (const [label, value] of expected) {
    if (given[label] === undefined) errors.required(place.key(label), `must be '${value}'`);
    else if (given[label] !== value) errors.invalid(place.key(label), given, `must be '${value}'`);
  }
  const labels = { [controllerUidLabel]: metadata.uid ?? '', [jobNameLabel]: metadata.name ?? '' };
  const old = { 'controller-uid': metadata.uid ?? '', 'job-name': metadata.name };
  if (matchesSelector(selectorOf(selector)!, { ...labels, ...old })) return;
  errors.invalid(at.child('selector'), selector, '`selector` not auto-generated');
}

/** The whole spec of a job that has its selector. */
export function validateJobSpecWithSelector(spec: JobSpec, errors: FieldErrors): void {
  validateJobSpec(spec, at, errors);
  if (!spec.selector) errors.required(at.child('selector'));
  else validateLabelSelector(spec.selector, at.child('selector'), errors);
  if (!isReadableSelector(spec.selector) || selectsTemplate(spec.selector, spec.template)) return;
  errors.invalid(
    at.child('template', 'metadata', 'labels'),
    spec.template?.metadata?.labels ?? null,
    '`selector` does not match template `labels`',
  );
}

const counts = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
] as const;

export function validateJobSpec(spec: JobSpec, place: FieldPath, errors: FieldErrors): void {
  for (const field of counts) nonNegative(spec[field], place.child(field), errors);
  nonNegative(spec.backoffLimitPerIndex, place.child('backoffLimitPerIndex'), errors);
  validateMaxFailedIndexes(spec, place, errors);
  if (spec.managedBy !== undefined) validateManager(spec.managedBy, place.child('managedBy'), errors);
  validateCompletionMode(spec, place, errors);
  if (spec.podFailurePolicy) validateFailurePolicy(spec, place.child('podFailurePolicy'), errors);
  if (spec.successPolicy) validateSuccessPolicy(spec, spec.successPolicy, place.child('successPolicy'), errors);
  const replacements = spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  checkSupported(errors, place.child('podReplacementPolicy'), spec.podReplacementPolicy, replacements);
  validatePodTemplate(spec.template, place.child('template'), errors);
  validateRestartPolicy(spec, place.child('template', 'spec', 'restartPolicy'), errors);
}

function validateRestartPolicy(spec: JobSpec, place: FieldPath, errors: FieldErrors): void {
  const policy = spec.template?.spec?.restartPolicy;
  if (!policy || policy === 'Always') errors.required(place, 'valid values: "OnFailure", "Never"');
  else if (policy !== 'OnFailure' && policy !== 'Never') errors.notSupported(place, policy, ['OnFailure', 'Never']);
  else if (spec.podFailurePolicy && policy !== 'Never') {
    errors.invalid(place, policy, 'only "Never" is supported when podFailurePolicy is specified');
  }
}

function validateMaxFailedIndexes(spec: JobSpec, place: FieldPath, errors: FieldErrors): void {
  const { maxFailedIndexes: max, backoffLimitPerIndex } = spec;
  if (max === undefined) return;
  nonNegative(max, place.child('maxFailedIndexes'), errors);
  if (backoffLimitPerIndex === undefined) {
    errors.required(place.child('backoffLimitPerIndex'), 'when maxFailedIndexes is specified');
  }
}

const manyCompletions = 100_000;
const fewIndexes = 10_000;

function validateIndexedLimits(spec: JobSpec, place: FieldPath, errors: FieldErrors): void {
  const { maxFailedIndexes: max, completions, backoffLimitPerIndex, parallelism } = spec;
  const own = place.child('maxFailedIndexes');
  if (completions !== undefined && max !== undefined && max > completions) {
    errors.invalid(own, max, 'must be less than or equal to completions');
  }
  if (max !== undefined && max > maxIndexes) errors.invalid(own, max, `must be less than or equal to ${maxIndexes}`);
  if (completions === undefined || completions <= manyCompletions || backoffLimitPerIndex === undefined) return;
  if (max === undefined) errors.required(own, `must be specified when completions is above ${manyCompletions}`);
  const bound = `must be less than or equal to ${fewIndexes} when completions are above ${manyCompletions} and used with backoff limit per index`;
  if (parallelism !== undefined && parallelism > fewIndexes) {
    errors.invalid(place.child('parallelism'), parallelism, bound);
  }
  if (max !== undefined && max > fewIndexes) errors.invalid(own, max, bound);
}

function validateManager(manager: string, place: FieldPath, errors: FieldErrors): void {
  const slash = manager.indexOf('/');
  if (manager === '') errors.required(place);
  else if (slash <= 0 || slash === manager.length - 1) {
    errors.invalid(place, manager, 'must be a domain-prefixed path (such as "acme.io/foo")');
  } else {
    const host = manager.slice(0, slash);
    const rest = manager.slice(slash + 1);
    for (const problem of dns1123SubdomainProblems(host)) errors.invalid(place, host, problem);
    if (!/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(rest)) errors.invalid(place, rest, 'Invalid path');
  }
  if (Buffer.byteLength(manager) > 63) errors.tooLong(place, 63);
}

function validateCompletionMode(spec: JobSpec, place: FieldPath, errors: FieldErrors): void {
  const { completionMode: mode, completions, parallelism } = spec;
  checkSupported(errors, place.child('completionMode'), mode, ['NonIndexed', 'Indexed']);
  if (mode === 'Indexed') {
    if (completions === undefined) errors.required(place.child('completions'), 'when completion mode is Indexed');
    if (parallelism !== undefined && parallelism > maxIndexes) {
      const message = `must be less than or equal to ${maxIndexes} when completion mode is Indexed`;
      errors.invalid(place.child('parallelism'), parallelism, message);
    }
  }
  if (mode === 'Indexed') validateIndexedLimits(spec, place, errors);
  if (mode !== undefined && mode !== 'NonIndexed') return;
  for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
    if (spec[field] !== undefined) errors.invalid(place.child(field), spec[field], 'requires indexed completion mode');
  }
}

function validateSuccessPolicy(spec: JobSpec, policy: SuccessPolicy, place: FieldPath, errors: FieldErrors): void {
  if (spec.completionMode !== 'Indexed') {
    errors.invalid(place, goForm('io.k8s.api.batch.v1.SuccessPolicy', policy), 'requires indexed completion mode');
    return;
  }
  const rules = policy.rules ?? [];
  const list = place.child('rules');
  if (rules.length === 0)
    errors.required(list, 'at least one rules must be specified when the successPolicy is specified');
  if (rules.length > 20) errors.tooMany(list, rules.length, 20);
  const completions = spec.completions ?? 0;
  rules.forEach(({ succeededCount: count, succeededIndexes: indexes }, index) => {
    const own = list.index(index);
    if (count === undefined && indexes === undefined) {
      errors.required(own, 'at least one of succeededCount or succeededIndexes must be specified');
    }
    let total = 0;
    if (indexes !== undefined) {
      if (indexes.length > 65536) errors.tooLong(own.child('succeededIndexes'), 65536);
      try {
        total = countIndexes(indexes, completions);
      } catch (error) {
        const message = `error parsing succeededIndexes: ${(error as Error).message}`;
        errors.invalid(own.child('succeededIndexes'), indexes, message);
      }
    }
    if (count === undefined) return;
    nonNegative(count, own.child('succeededCount'), errors);
    if (count > completions) {
      const message = `must be less than or equal to ${completions} (the number of specified completions)`;
      errors.invalid(own.child('succeededCount'), count, message);
    }
    if (indexes !== undefined && count > total) {
      const message = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`;
      errors.invalid(own.child('succeededCount'), count, message);
    }
  });
}
