// Names of signers of certificates: `example.com/name`, the name made of dotted parts.
import type { FieldErrors, FieldPath } from './field-errors.ts';
import { dns1123LabelProblems, dns1123SubdomainProblems } from './names.ts';

const maxDomainBytes = 253;
const maxSignerNameBytes = 571;

export function validateSignerName(name: string, at: FieldPath, errors: FieldErrors): void {
  if (!name) {
    errors.required(at);
    return;
  }
  const parts = name.split('/');
  if (parts.length !== 2) {
    errors.invalid(at, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
    return;
  }
  const [domain, path] = parts as [string, string];
  if (domain.length > maxDomainBytes) errors.tooLong(at, maxDomainBytes);
  validateParts(domain, dns1123LabelProblems, at, errors);
  if (!domain.includes('.'))
    errors.invalid(at, domain, 'should be a domain with at least two segments separated by dots');
  validateParts(path, dns1123SubdomainProblems, at, errors);
  if (name.length > maxSignerNameBytes) errors.tooLong(at, maxSignerNameBytes);
}

/** The first bad one is enough. */
function validateParts(text: string, problemsOf: (part: string) => string[], at: FieldPath, errors: FieldErrors): void {
  const bad = text.split('.').find((part) => problemsOf(part).length > 0);
  if (bad === undefined) return;
  for (const problem of problemsOf(bad)) errors.invalid(at, text, `validating label "${bad}": ${problem}`);
}
