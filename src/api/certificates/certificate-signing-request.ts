import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from '../../../generated/certificates-v1.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';
import { humanDuration } from '../meta/human-duration.ts';
import { pathSegmentNameRule } from '../meta/names.ts';
import { keep, statusRules } from '../meta/strategy.ts';
import {
  validateConditions,
  validateIssuedCertificate,
  validateKeptConditions,
  validateRequest,
} from './signing-request-validation.ts';

type Conditions = CertificateSigningRequestCondition[];

/** A condition that stays in its state has been in it since then. */
function withTimes(conditions: Conditions | undefined, nowMs: number, before: Conditions = []): void {
  const now = rfc3339(nowMs);
  for (const condition of conditions ?? []) {
    const { type, status } = condition;
    condition.lastUpdateTime ??= now;
    condition.lastTransitionTime ??=
      before.find((each) => each.type === type && each.status === status)?.lastTransitionTime ?? now;
  }
}

/** Who writes the status need not know the times of a verdict: as many as there are stay as they are. */
function keepVerdicts(next: CertificateSigningRequest, current: CertificateSigningRequest): void {
  const conditions = next.status?.conditions ?? [];
  for (const type of ['Approved', 'Denied']) {
    const isOf = (condition: CertificateSigningRequestCondition) => condition.type === type;
    const stored = (current.status?.conditions ?? []).filter(isOf);
    if (stored.length !== conditions.filter(isOf).length) continue;
    for (const [at, condition] of conditions.entries())
      if (isOf(condition)) conditions[at] = structuredClone(stored.shift()!);
  }
}

function conditionCell({ status }: CertificateSigningRequest): string {
  const types = new Set((status?.conditions ?? []).map(({ type }) => type));
  const verdict = types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending';
  const failed = types.has('Failed') ? ',Failed' : '';
  return `${verdict}${failed}${status?.certificate ? ',Issued' : ''}`;
}

const status = statusRules<CertificateSigningRequest>();

export const certificateSigningRequestKind: KindDefinition<CertificateSigningRequest> = {
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  nameRule: pathSegmentNameRule,
  metadataLooks: ['object', 'change'],
  prepareForCreate(object, { user }) {
    const { spec } = object;
    for (const field of ['username', 'uid', 'groups', 'extra'] as const) delete spec[field];
    // Who asks is who is authenticated, whatever the client wrote.
    if (user) Object.assign(spec, structuredClone(user));
    object.status = {};
  },
  prepareForUpdate(next, current) {
    keep(next, current, 'spec', 'status');
  },
  validate: ({ spec }, errors) => validateRequest(spec, path('spec'), errors),
  subresources: {
    approval: {
      prepareForUpdate(next, current, { nowMs }) {
        keep(next, current, 'spec');
        const { conditions: _, ...rest } = current.status ?? {};
        const conditions = next.status?.conditions;
        next.status = { ...rest, ...(conditions ? { conditions } : {}) };
        withTimes(next.status.conditions, nowMs, current.status?.conditions);
      },
      validateUpdate(next, current, errors) {
        validateConditions(next.status?.conditions ?? [], errors);
        validateKeptConditions(next, current, errors, true);
      },
    },
    status: {
      prepareForUpdate(next, current, context) {
        status.prepareForUpdate(next, current, context);
        keepVerdicts(next, current);
        withTimes(next.status?.conditions, context.nowMs, current.status?.conditions);
      },
      validateUpdate(next, current, errors) {
        validateConditions(next.status?.conditions ?? [], errors);
        if (next.status?.certificate) validateIssuedCertificate(next.status.certificate, errors);
        validateKeptConditions(next, current, errors, false);
        const [issued, stored] = [next.status?.certificate ?? '', current.status?.certificate ?? ''];
        if (stored && issued !== stored) {
          const problem = 'updates may not modify existing certificate content';
          errors.forbidden(path('status', 'certificate'), problem);
        }
      },
    },
  },
  columns: [
    nameColumn,
    ageColumn,
    {
      name: 'SignerName',
      type: 'string',
      description:
        'Requested signer for the request. It is a qualified name in the form: `scope-hostname.io/name`. If empty, it will be defaulted:\n 1. If it\'s a kubelet client certificate, it is assigned\n    "kubernetes.io/kube-apiserver-client-kubelet".\n 2. If it\'s a kubelet serving certificate, it is assigned\n    "kubernetes.io/kubelet-serving".\n 3. Otherwise, it is assigned "kubernetes.io/legacy-unknown".\nDistribution of trust for signers happens out of band. You can select on this field using `spec.signerName`.',
      cell: ({ spec }) => spec.signerName || '<none>',
    },
    {
      name: 'Requestor',
      type: 'string',
      description: 'Base64-encoded PKCS#10 CSR data',
      cell: ({ spec }) => spec.username ?? '',
    },
    {
      name: 'RequestedDuration',
      type: 'string',
      description:
        'expirationSeconds is the requested duration of validity of the issued certificate. The certificate signer may issue a certificate with a different validity duration so a client must check the delta between the notBefore and and notAfter fields in the issued certificate to determine the actual duration.\n\nThe v1.22+ in-tree implementations of the well-known Kubernetes signers will honor this field as long as the requested duration is not greater than the maximum duration they will honor per the --cluster-signing-duration CLI flag to the Kubernetes controller manager.\n\nCertificate signers may not honor this field for various reasons:\n\n  1. Old signer that is unaware of the field (such as the in-tree\n     implementations prior to v1.22)\n  2. Signer whose configured maximum is shorter than the requested duration\n  3. Signer whose configured minimum is longer than the requested duration\n\nThe minimum valid value for expirationSeconds is 600, i.e. 10 minutes.',
      cell: ({ spec }) =>
        spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000),
    },
    {
      name: 'Condition',
      type: 'string',
      description: 'Conditions applied to the request, such as approval or denial.',
      cell: conditionCell,
    },
  ],
};
