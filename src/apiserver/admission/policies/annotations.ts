// What policies write into the audit log.
import type { ValidatingAdmissionPolicyBinding } from '../../../../generated/admissionregistration-v1.ts';
import type { AdmissionRequest } from '../plugin.ts';
import type { Denial } from './validating-rules.ts';

const maxValueBytes = 10 * 1024;

function cut(value: string): string {
  const bytes = Buffer.from(value);
  return bytes.length > maxValueBytes ? bytes.toString('utf8', 0, maxValueBytes) : value;
}

/** Gathers the annotations of one policy; the same key may have several values, by parameter. */
export class AnnotationCollector {
  readonly #values = new Map<string, Set<string>>();

  add(key: string, value: string): void {
    const values = this.#values.get(key) ?? new Set();
    this.#values.set(key, values.add(cut(value)));
  }

  publish(policyName: string, request: AdmissionRequest): void {
    for (const [key, values] of this.#values) request.annotate?.(`${policyName}/${key}`, [...values].join(', '));
  }
}

/** The note of a binding with the action Audit. */
export function failureAnnotation(
  request: AdmissionRequest,
  { metadata, spec }: ValidatingAdmissionPolicyBinding,
  { index, message }: Denial,
): void {
  const failure = {
    message,
    policy: spec?.policyName ?? '',
    binding: metadata.name,
    expressionIndex: index,
    validationActions: spec?.validationActions ?? [],
  };
  request.annotate?.('validation.policy.admission.k8s.io/validation_failure', JSON.stringify([failure]));
}
