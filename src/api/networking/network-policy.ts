import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../../generated/networking-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn, selectorCell } from '../meta/columns.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { cidrWarnings, isStrictSubset, parseCidr, validateCidr } from '../meta/ip-address.ts';
import { validateLabelSelector } from '../meta/labels.ts';
import { portNameProblems, portNumberProblems } from '../meta/names.ts';
import { countGeneration, startGeneration } from '../meta/strategy.ts';
import { checkSupported } from '../meta/supported.ts';
import { required, validateBy } from '../meta/value-validation.ts';

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, at: FieldPath, errors: FieldErrors): void {
  checkSupported(errors, at.child('protocol'), protocol, ['TCP', 'UDP', 'SCTP']);
  const endPath = at.child('endPort');
  if (port === undefined) {
    if (endPort !== undefined) errors.invalid(endPath, endPort, 'may not be specified when `port` is not specified');
  } else if (typeof port === 'string') {
    if (endPort !== undefined) errors.invalid(endPath, endPort, 'may not be specified when `port` is non-numeric');
    validateBy(portNameProblems, port, at.child('port'), errors);
  } else {
    for (const problem of portNumberProblems(port)) errors.invalid(at.child('port'), port, problem);
    if (endPort === undefined) return;
    if (endPort < port) errors.invalid(endPath, port, 'must be greater than or equal to `port`');
    for (const problem of portNumberProblems(endPort)) errors.invalid(endPath, endPort, problem);
  }
}

/** `kept`: ranges anywhere in the policy that is changed, which may stay as they are spelled. */
interface Checks {
  readonly errors: FieldErrors;
  readonly kept: readonly string[];
}

function validateIpBlock({ cidr, except = [] }: IPBlock, at: FieldPath, { errors, kept }: Checks): void {
  if (!required(cidr, at.child('cidr'), errors)) return;
  validateCidr(cidr, at.child('cidr'), errors, kept);
  const whole = parseCidr(cidr);
  if (!whole) return;
  except.forEach((each, index) => {
    const place = at.child('except').index(index);
    validateCidr(each, place, errors, kept);
    const part = parseCidr(each);
    if (part && !isStrictSubset(part, whole)) errors.invalid(place, each, 'must be a strict subset of `cidr`');
  });
}

function validatePeer(
  { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer,
  at: FieldPath,
  checks: Checks,
): void {
  const { errors } = checks;
  validateLabelSelector(podSelector, at.child('podSelector'), errors);
  validateLabelSelector(namespaceSelector, at.child('namespaceSelector'), errors);
  if (ipBlock) validateIpBlock(ipBlock, at.child('ipBlock'), checks);
  if (!podSelector && !namespaceSelector && !ipBlock) errors.required(at, 'must specify a peer');
  else if (ipBlock && (podSelector || namespaceSelector)) {
    errors.forbidden(at, 'may not specify both ipBlock and another peer');
  }
}

function validateRule(
  { ports = [], peers = [] }: { ports?: NetworkPolicyPort[] | undefined; peers?: NetworkPolicyPeer[] | undefined },
  at: FieldPath,
  peerField: string,
  checks: Checks,
): void {
  ports.forEach((port, index) => {
    validatePort(port, at.child('ports').index(index), checks.errors);
  });
  peers.forEach((peer, index) => {
    validatePeer(peer, at.child(peerField).index(index), checks);
  });
}

function validatePolicy({ spec }: NetworkPolicy, checks: Checks): void {
  if (!spec) return;
  const { errors } = checks;
  validateLabelSelector(spec.podSelector, path('spec', 'podSelector'), errors);
  spec.ingress?.forEach(({ ports, from }, index) => {
    validateRule({ ports, peers: from }, path('spec', 'ingress').index(index), 'from', checks);
  });
  spec.egress?.forEach(({ ports, to }, index) => {
    validateRule({ ports, peers: to }, path('spec', 'egress').index(index), 'to', checks);
  });
  const types = spec.policyTypes ?? [];
  const at = path('spec', 'policyTypes');
  if (types.length > 2) errors.invalid(at, types, 'may not specify more than two policyTypes');
  else
    types.forEach((type, index) => {
      checkSupported(errors, at.index(index), type, ['Ingress', 'Egress']);
    });
}

const rangesOf = ({ spec }: NetworkPolicy): string[] =>
  [
    ...(spec?.ingress ?? []).flatMap(({ from = [] }) => from),
    ...(spec?.egress ?? []).flatMap(({ to = [] }) => to),
  ].flatMap(({ ipBlock }) => (ipBlock ? [ipBlock.cidr, ...(ipBlock.except ?? [])] : []));

function blockWarnings(peers: readonly NetworkPolicyPeer[] | undefined, at: FieldPath): string[] {
  return (peers ?? []).flatMap(({ ipBlock }, index) => {
    if (!ipBlock) return [];
    const block = at.index(index).child('ipBlock');
    return [
      ...cidrWarnings(ipBlock.cidr, block.child('cidr')),
      ...(ipBlock.except ?? []).flatMap((each, position) => cidrWarnings(each, block.child('except').index(position))),
    ];
  });
}

export const networkPolicyKind: KindDefinition<NetworkPolicy> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  defaults({ spec }) {
    if (!spec) return;
    for (const { ports = [] } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
      for (const port of ports) port.protocol ??= 'TCP';
    }
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
  },
  prepareForCreate: startGeneration,
  prepareForUpdate: (next, current) => countGeneration(next, current),
  validateCreate: (policy, errors) => validatePolicy(policy, { errors, kept: [] }),
  validateUpdate: (next, current, errors) => validatePolicy(next, { errors, kept: rangesOf(current) }),
  warnings: ({ spec }) => [
    ...(spec?.ingress ?? []).flatMap(({ from }, index) =>
      blockWarnings(from, path('spec', 'ingress').index(index).child('from')),
    ),
    ...(spec?.egress ?? []).flatMap(({ to }, index) =>
      blockWarnings(to, path('spec', 'egress').index(index).child('to')),
    ),
  ],
  columns: [
    nameColumn,
    {
      name: 'Pod-Selector',
      type: 'string',
      description:
        "podSelector selects the pods to which this NetworkPolicy object applies. The array of rules is applied to any pods selected by this field. An empty selector matches all pods in the policy's namespace. Multiple network policies can select the same set of pods. In this case, the ingress rules for each are combined additively. This field is optional. If it is not specified, it defaults to an empty selector.",
      cell: ({ spec }) => selectorCell(spec?.podSelector),
    },
    ageColumn,
  ],
};
