import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
  CertificateSigningRequestSpec,
} from '../../../generated/certificates-v1.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { validateSignerName } from '../meta/signer-name.ts';
import { checkSupported } from '../meta/supported.ts';
import { unifiedDiff } from '../meta/unified-diff.ts';

const usages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

const hasPemBlock = (base64: string | null | undefined, type: string): boolean =>
  Buffer.from(base64 ?? '', 'base64')
    .toString()
    .includes(`-----BEGIN ${type}-----`);

export function validateRequest(spec: CertificateSigningRequestSpec, at: FieldPath, errors: FieldErrors): void {
  if (!hasPemBlock(spec.request, 'CERTIFICATE REQUEST')) {
    errors.invalid(at.child('request'), spec.request ?? null, 'PEM block type must be CERTIFICATE REQUEST');
  }
  const asked: readonly string[] = spec.usages ?? [];
  if (!asked.length) errors.required(at.child('usages'));
  asked.forEach((usage, index) => {
    checkSupported(errors, at.child('usages').index(index), usage, usages);
    if (asked.indexOf(usage) !== index) errors.duplicate(at.child('usages').index(index), usage);
  });
  validateSignerName(spec.signerName, at.child('signerName'), errors);
  if (spec.signerName === 'kubernetes.io/legacy-unknown') {
    const problem = 'the legacy signerName is not allowed via this API version';
    errors.invalid(at.child('signerName'), spec.signerName, problem);
  }
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < 600) {
    const problem = 'may not specify a duration less than 600 seconds (10 minutes)';
    errors.invalid(at.child('expirationSeconds'), spec.expirationSeconds, problem);
  }
}

export function validateConditions(
  conditions: readonly CertificateSigningRequestCondition[],
  errors: FieldErrors,
): void {
  const at = path('status', 'conditions');
  let verdict = '';
  const seen = new Set<string>();
  conditions.forEach(({ type, status }, index) => {
    const place = at.index(index);
    if (!type) errors.required(place.child('type'));
    const isOneWay = ['Approved', 'Denied', 'Failed'].includes(type);
    if (!status) errors.required(place.child('status'));
    else checkSupported(errors, place.child('status'), status, isOneWay ? ['True'] : ['False', 'True', 'Unknown']);
    if (type === 'Approved' || type === 'Denied') {
      if (verdict && verdict !== type)
        errors.invalid(at, type, 'Approved and Denied conditions are mutually exclusive');
      verdict = type;
    }
    if (type && seen.has(type)) errors.duplicate(place.child('type'), type);
    seen.add(type);
  });
}

/** What was said stays; who approves says it, and nobody else. */
export function validateKeptConditions(
  next: CertificateSigningRequest,
  current: CertificateSigningRequest,
  errors: FieldErrors,
  mayApprove: boolean,
): void {
  const at = path('status', 'conditions');
  const of = ({ status }: CertificateSigningRequest, type: string) =>
    (status?.conditions ?? []).filter((condition) => condition.type === type);
  for (const type of ['Approved', 'Denied', 'Failed']) {
    if (of(next, type).length < of(current, type).length) {
      errors.forbidden(at, `updates may not remove a condition of type "${type}"`);
    }
  }
  for (const type of mayApprove ? [] : ['Approved', 'Denied']) {
    const [wanted, stored] = [of(next, type), of(current, type)];
    if (wanted.length > stored.length) errors.forbidden(at, `updates may not add a condition of type "${type}"`);
    if (wanted.length !== stored.length || isEqual(wanted, stored)) continue;
    const shown = (list: readonly unknown[]) =>
      list.map((each) => goForm('io.k8s.api.certificates.v1.CertificateSigningRequestCondition', each));
    const difference = unifiedDiff(shown(stored), shown(wanted));
    errors.forbidden(at, `updates may not modify a condition of type "${type}"\n${difference}`);
  }
}

export function validateIssuedCertificate(certificate: string, errors: FieldErrors): void {
  if (hasPemBlock(certificate, 'CERTIFICATE')) return;
  errors.invalid(
    path('status', 'certificate'),
    '<certificate data>',
    'must contain at least one CERTIFICATE PEM block',
  );
}
