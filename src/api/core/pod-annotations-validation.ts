// Annotations that mean something to pods.
import type { PodSpec, Toleration } from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { validateTolerations } from './affinity-validation.ts';

const mirrorPod = 'kubernetes.io/config.mirror';
const tolerationsOfOld = 'scheduler.alpha.kubernetes.io/tolerations';
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';
export const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';

export function validatePodAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  spec: PodSpec,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (!annotations) return;
  const mirror = annotations[mirrorPod];
  if (mirror !== undefined && !spec.nodeName) {
    errors.invalid(at.key(mirrorPod), mirror, 'must set spec.nodeName if mirror pod annotation is set');
  }
  if (annotations[tolerationsOfOld]) validateOldTolerations(annotations[tolerationsOfOld], at, errors);
  const cost = annotations[deletionCost];
  if (cost !== undefined && !isDeletionCost(cost)) {
    errors.invalid(at.key(deletionCost), cost, 'must be a 32bit integer');
  }
  for (const key of Object.keys(annotations)) {
    if (key.startsWith(appArmorPrefix)) validateAppArmorAnnotation(key, annotations[key]!, spec, at.key(key), errors);
  }
}

function isDeletionCost(text: string): boolean {
  if (!/^-?(0|[1-9][0-9]*)$/.test(text) || text === '-0') return false;
  return Number(text) >= -(2 ** 31) && Number(text) < 2 ** 31;
}

function validateOldTolerations(text: string, at: FieldPath, errors: FieldErrors): void {
  let tolerations: Toleration[];
  try {
    tolerations = JSON.parse(text);
    if (!Array.isArray(tolerations)) throw new SyntaxError('not a list');
  } catch {
    const problem = isCutShort(text)
      ? 'unexpected end of JSON input'
      : `invalid character '${text.trimStart()[0]}' looking for beginning of value`;
    errors.invalid(at, tolerationsOfOld, problem);
    return;
  }
  validateTolerations(tolerations, at.child(tolerationsOfOld), errors);
}

/** Whether the text starts as JSON does. */
const isCutShort = (text: string): boolean => /^\s*([[{"]|$)/.test(text);

function validateAppArmorAnnotation(
  key: string,
  profile: string,
  spec: PodSpec,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const name = key.slice(appArmorPrefix.length);
  const names = [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
  if (!names.some((container) => container.name === name)) errors.invalid(at, name, 'container not found');
  if (profile === '' || profile === 'runtime/default' || profile === 'unconfined') return;
  if (!profile.startsWith('localhost/')) errors.invalid(at, profile, `invalid AppArmor profile name: "${profile}"`);
}
