import type { Ingress } from '../../../generated/networking-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { parseIp, validateIp } from '../meta/ip-address.ts';
import { dns1123SubdomainProblems } from '../meta/names.ts';
import { countGeneration, keepStatus, startGeneration, statusRules } from '../meta/strategy.ts';
import { validateBy } from '../meta/value-validation.ts';
import { ingressV1beta1 } from './ingress-v1beta1.ts';
import { validateIngressSpec } from './ingress-validation.ts';

const classAnnotation = 'kubernetes.io/ingress.class';

function hostsCell({ spec }: Ingress): string {
  const hosts = (spec?.rules ?? []).map(({ host }) => host ?? '').filter(Boolean);
  const first = hosts.slice(0, 3).join(',') || '*';
  return hosts.length > 3 ? `${first} + ${hosts.length - 3} more...` : first;
}

const addressCell = ({ status }: Ingress): string =>
  (status?.loadBalancer?.ingress ?? [])
    .map(({ ip, hostname }) => ip || hostname || '')
    .filter(Boolean)
    .join(',');

function validateIngressStatus({ status }: Ingress, current: Ingress, errors: FieldErrors): void {
  const kept = (current.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  status?.loadBalancer?.ingress?.forEach(({ ip, hostname }, index) => {
    const place = path('status', 'loadBalancer', 'ingress').index(index);
    if (ip) validateIp(ip, place.child('ip'), errors, kept);
    if (!hostname) return;
    validateBy(dns1123SubdomainProblems, hostname, place.child('hostname'), errors);
    if (parseIp(hostname)) errors.invalid(place.child('hostname'), hostname, 'must be a DNS name, not an IP address');
  });
}

export const ingressKind: KindDefinition<Ingress> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  metadataLooks: ['change', 'object'],
  prepareForCreate(object) {
    startGeneration(object);
    object.status = { loadBalancer: {} };
  },
  prepareForUpdate(next, current) {
    keepStatus(next, current);
    countGeneration(next, current);
  },
  validate: ({ spec }, errors) => validateIngressSpec(spec ?? {}, path('spec'), errors),
  validateCreate({ metadata, spec }, errors) {
    const named = metadata.annotations?.[classAnnotation];
    if (named === undefined || spec?.ingressClassName === undefined || named === spec.ingressClassName) return;
    errors.invalid(
      path('annotations', classAnnotation),
      named,
      'must match `ingressClassName` when both are specified',
    );
  },
  subresources: { status: statusRules({ validateUpdate: validateIngressStatus }) },
  warnings: ({ metadata }, current) =>
    !current && metadata.annotations?.[classAnnotation] !== undefined
      ? [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`]
      : [],
  otherVersions: [ingressV1beta1('networking.k8s.io'), ingressV1beta1('extensions')],
  columns: [
    nameColumn,
    {
      name: 'Class',
      type: 'string',
      description: 'The name of the IngressClass resource that should be used for additional configuration',
      cell: ({ spec }) => spec?.ingressClassName ?? '<none>',
    },
    {
      name: 'Hosts',
      type: 'string',
      description: 'Hosts that incoming requests are matched against before the ingress rule',
      cell: hostsCell,
    },
    {
      name: 'Address',
      type: 'string',
      description: 'Address is a list containing ingress points for the load-balancer',
      cell: addressCell,
    },
    {
      name: 'Ports',
      type: 'string',
      description: 'Ports of TLS configurations that open',
      cell: ({ spec }) => (spec?.tls?.length ? '80, 443' : '80'),
    },
    ageColumn,
  ],
};
