// What may change in a pod that is stored: images, deadlines, tolerations; while it is gated, also where it may run.
import type { Container, Pod, PodSpec, Toleration } from '../../../generated/core-v1.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { rangeMessage } from '../meta/names.ts';
import { unifiedTextDiff } from '../meta/unified-diff.ts';
import { validateTolerations } from './affinity-validation.ts';

const at = path('spec');
const refusal =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

export function validatePodUpdate(next: Pod, current: Pod, errors: FieldErrors): void {
  const spec = next.spec!;
  const before = current.spec!;
  if (!validateContainers('containers', spec, before, errors)) return;
  if (!validateContainers('initContainers', spec, before, errors)) return;
  if (!validateDeadline(spec.activeDeadlineSeconds, before.activeDeadlineSeconds, errors)) return;
  validateTolerationsUpdate(spec.tolerations ?? [], before.tolerations ?? [], errors);
  validateGateRemoval(spec, before, errors);
  const settled = withMutableFieldsOf(before, spec);
  if (isEqual(settled, before)) return;
  errors.forbidden(at, `${refusal}\n${specDiff(before, settled)}`);
}

const specDiff = (before: PodSpec, after: PodSpec): string => unifiedTextDiff(specText(before), specText(after));

const specText = (spec: PodSpec): string => `${JSON.stringify(goForm('io.k8s.api.core.v1.PodSpec', spec), null, 1)}`;

/** False: they cannot be compared one by one, and nothing else is looked at. */
function validateContainers(
  list: 'containers' | 'initContainers',
  spec: PodSpec,
  before: PodSpec,
  errors: FieldErrors,
): boolean {
  const containers: readonly Container[] = spec[list] ?? [];
  if (containers.length !== (before[list] ?? []).length) {
    errors.forbidden(at.child(list), 'pod updates may not add or remove containers');
    return false;
  }
  containers.forEach(({ image }, index) => {
    const place = at.child(list).index(index).child('image');
    if (!image) errors.required(place);
    else if (image !== image.trim()) errors.invalid(place, image, 'must not have leading or trailing whitespace');
  });
  return true;
}

/** False: nothing else is looked at. */
function validateDeadline(next: number | undefined, before: number | undefined, errors: FieldErrors): boolean {
  const place = at.child('activeDeadlineSeconds');
  if (next !== undefined) {
    const max = 2 ** 31 - 1;
    if (next < 0 || next > max) {
      errors.invalid(place, next, rangeMessage(0, max));
      return false;
    }
    if (before !== undefined && next > before) {
      errors.invalid(place, next, 'must be less than or equal to previous value');
      return false;
    }
  } else if (before !== undefined) {
    errors.invalid(place, null, 'must not update from a positive integer to nil value');
  }
  return true;
}

function validateTolerationsUpdate(next: Toleration[], before: Toleration[], errors: FieldErrors): void {
  const bare = ({ tolerationSeconds: _seconds, ...rest }: Toleration): unknown => rest;
  const isKept = (old: Toleration): boolean => next.some((toleration) => isEqual(bare(toleration), bare(old)));
  // Looked at a second time: what is wrong with them is a cause twice.
  if (before.every(isKept)) validateTolerations(next, at.child('tolerations'), errors);
  else
    errors.forbidden(at.child('tolerations'), 'existing toleration can not be modified except its tolerationSeconds');
}

function validateGateRemoval(spec: PodSpec, before: PodSpec, errors: FieldErrors): void {
  const known = new Set((before.schedulingGates ?? []).map(({ name }) => name));
  const gates = spec.schedulingGates ?? [];
  for (const [index, { name }] of gates.entries()) {
    if (known.has(name) || gates.findLastIndex((other) => other.name === name) !== index) continue;
    errors.forbidden(
      at.child('schedulingGates').index(index).child('name'),
      `only deletion is allowed, but found new scheduling gate '${name}'`,
    );
  }
  if (!known.size || isEqual(spec.nodeSelector, before.nodeSelector)) return;
  const isAddition = Object.entries(before.nodeSelector ?? {}).every(
    ([key, value]) => spec.nodeSelector?.[key] === value,
  );
  if (isAddition) return;
  errors.invalid(
    at.child('nodeSelector'),
    spec.nodeSelector ?? null,
    'only additions are allowed to spec.nodeSelector (no mutations or deletions)',
  );
}

/** The new spec, with what may change set back to what it was: the rest must be equal. */
function withMutableFieldsOf(before: PodSpec, spec: PodSpec): PodSpec {
  const settled: Record<string, unknown> = { ...spec };
  const back = (field: keyof PodSpec): void => {
    if (before[field] === undefined) delete settled[field];
    else settled[field] = before[field];
  };
  for (const list of ['containers', 'initContainers'] as const) {
    if (!spec[list]) continue;
    settled[list] = spec[list].map((container, index) => ({ ...container, image: before[list]?.[index]?.image ?? '' }));
  }
  back('activeDeadlineSeconds');
  back('tolerations');
  back('schedulingGates');
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    back('terminationGracePeriodSeconds');
  }
  if (before.schedulingGates?.length) {
    back('nodeSelector');
    if (isStricterAffinity(spec, before)) back('affinity');
  }
  return settled as unknown as PodSpec;
}

const requiredTerms = 'requiredDuringSchedulingIgnoredDuringExecution';

/** Gated pods may be narrowed: further requirements in each node selector term, preferences freely. */
function isStricterAffinity(spec: PodSpec, before: PodSpec): boolean {
  const { nodeAffinity: next, ...rest } = spec.affinity ?? {};
  const { nodeAffinity: old, ...oldRest } = before.affinity ?? {};
  if (!isEqual(rest, oldRest)) return false;
  const terms = next?.[requiredTerms]?.nodeSelectorTerms ?? [];
  const oldTerms = old?.[requiredTerms]?.nodeSelectorTerms;
  if (!oldTerms?.length) return true;
  return (
    terms.length === oldTerms.length &&
    oldTerms.every((term, index) =>
      (['matchExpressions', 'matchFields'] as const).every((field) =>
        (term[field] ?? []).every((requirement) => terms[index]?.[field]?.some((each) => isEqual(each, requirement))),
      ),
    )
  );
}
