// What may change in a job.
import type { Job, JobSpec } from '../../../generated/batch-v1.ts';
import type { Affinity, PodSpec } from '../../../generated/core-v1.ts';
import { isConditionTrue } from '../meta/conditions.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { goField, goForm } from '../meta/go-form.ts';
import { checkImmutable, immutableMessage } from '../meta/strategy.ts';
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
    if (isEqual(spec[field], before[field])) continue;
    errors.invalid(at.child(field), goField('io.k8s.api.batch.v1.JobSpec', spec, field), immutableMessage);
  }
}

function validateCompletions(spec: JobSpec, before: JobSpec, errors: FieldErrors): void {
  const place = at.child('completions');
  if (spec.completionMode !== 'Indexed') checkImmutable(errors, place, spec.completions, before.completions);
  else if (spec.completions === undefined || spec.completions === before.completions) return;
  else if (spec.completions !== spec.parallelism) {
    errors.invalid(place, spec.completions, 'can only be modified in tandem with spec.parallelism');
  }
}

/** Nothing of it runs: where its pods may go, and what they need, may still change. */
function isAtRest({ spec, status }: Job): boolean {
  if (spec?.suspend !== true || status?.active) return false;
  return !status?.startTime || isConditionTrue(status.conditions, 'Suspended');
}

function validateTemplateUpdate(next: Job, current: Job, errors: FieldErrors): void {
  const template = next.spec!.template;
  const stored = current.spec!.template;
  if (!isAtRest(current)) {
    if (isEqual(template, stored)) return;
    errors.invalid(at.child('template'), goForm('io.k8s.api.core.v1.PodTemplateSpec', template), immutableMessage);
    return;
  }
  const before = withDirectives(stored.spec!, template.spec!);
  if (isEqual(template.spec, before)) return;
  const shown = goForm('io.k8s.api.core.v1.PodSpec', template.spec);
  errors.invalid(at.child('template.spec'), shown, immutableMessage);
}

/** The stored spec with what may change taken from the new one. */
function withDirectives(stored: PodSpec, next: PodSpec): PodSpec {
  const spec: Record<string, unknown> = { ...stored };
  const take = (field: keyof PodSpec, value: unknown): void => {
    if (value === undefined) delete spec[field];
    else spec[field] = value;
  };
  for (const field of ['nodeSelector', 'tolerations', 'schedulingGates'] as const) take(field, next[field]);
  take('affinity', affinityToCompare(stored.affinity, next.affinity));
  for (const list of ['containers', 'initContainers'] as const) {
    const [old, wanted] = [stored[list], next[list]];
    if (!old || old.length !== wanted?.length) continue;
    spec[list] = old.map((container, index) => {
      const { name, resources } = wanted[index]!;
      if (name !== container.name) return container;
      const { resources: _resources, ...rest } = container;
      return resources === undefined ? rest : { ...rest, resources };
    });
  }
  return spec as unknown as PodSpec;
}

/** Affinity to nodes may change; that to pods may not. */
function affinityToCompare(stored: Affinity | undefined, next: Affinity | undefined): Affinity | undefined {
  const { nodeAffinity: _stored, ...rest } = stored ?? {};
  if (!next) return Object.keys(rest).length ? rest : undefined;
  return next.nodeAffinity ? { ...rest, nodeAffinity: next.nodeAffinity } : rest;
}
