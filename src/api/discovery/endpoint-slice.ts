import type { Endpoint, EndpointHints, EndpointPort, EndpointSlice } from '../../../generated/discovery-v1.ts';
import { listCell } from '../core/endpoints.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { canonicalIpProblems, ipWarnings, parseIp, validateEndpointIp, validateIp } from '../meta/ip-address.ts';
import {
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  labelValueProblems,
  qualifiedNameProblems,
} from '../meta/names.ts';
import { checkImmutable, countGeneration, startGeneration } from '../meta/strategy.ts';
import { checkSupported, requireSupported } from '../meta/supported.ts';
import { validateBy } from '../meta/value-validation.ts';

const maxEndpoints = 1000;
const maxAddresses = 100;
const maxPorts = 20000;
const maxHints = 8;
const addressTypes = ['FQDN', 'IPv4', 'IPv6'];

function validateAddress(type: string, address: string, at: FieldPath, index: number, errors: FieldErrors): void {
  const place = at.index(index);
  if (type === 'FQDN') {
    validateDomain(address.replace(/\.$/, ''), place, errors);
    return;
  }
  const known = errors.list.length;
  if (type === 'IPv6') validateBy(canonicalIpProblems, address, place, errors);
  else validateIp(address, place, errors);
  if (errors.list.length > known) return;
  const ip = parseIp(address);
  if (ip && `IPv${ip.family}` !== type) errors.invalid(at, address, `must be an ${type} address`);
  validateEndpointIp(address, place, errors);
}

function validateDomain(name: string, at: FieldPath, errors: FieldErrors): void {
  if (!name) {
    errors.required(at);
    return;
  }
  const problems = dns1123SubdomainProblems(name);
  const labels = name.split('.');
  const wrong = labels.find((label) => dns1123LabelProblems(label).length > 0);
  if (problems.length > 0) errors.invalid(at, name, problems.join(','));
  else if (labels.length < 2)
    errors.invalid(at, name, 'should be a domain with at least two segments separated by dots');
  else if (wrong !== undefined) errors.invalid(at, wrong, dns1123LabelProblems(wrong).join(','));
}

function validateHints({ forZones = [], forNodes = [] }: EndpointHints, at: FieldPath, errors: FieldErrors): void {
  for (const [field, hints, problemsOf] of [
    ['forZones', forZones, labelValueProblems],
    ['forNodes', forNodes, dns1123SubdomainProblems],
  ] as const) {
    if (hints.length > maxHints) {
      errors.tooMany(at.child(field), hints.length, maxHints);
      return;
    }
    const seen = new Set<string>();
    hints.forEach(({ name }, index) => {
      const place = at.child(field).index(index).child('name');
      if (seen.has(name)) errors.duplicate(place, name);
      seen.add(name);
      for (const problem of problemsOf(name)) errors.invalid(place, name, problem);
    });
  }
}

function validateEndpoint(type: string, endpoint: Endpoint, at: FieldPath, errors: FieldErrors): void {
  const { nodeName, hostname, hints } = endpoint;
  const addresses = endpoint.addresses ?? [];
  if (addresses.length === 0) errors.required(at.child('addresses'), 'must contain at least 1 address');
  else if (addresses.length > maxAddresses) errors.tooMany(at.child('addresses'), addresses.length, maxAddresses);
  // Of another type than these, none is looked at.
  if (addressTypes.includes(type))
    addresses.forEach((address, index) => {
      validateAddress(type, address, at.child('addresses'), index, errors);
    });
  if (nodeName !== undefined) {
    for (const problem of dns1123SubdomainProblems(nodeName)) errors.invalid(at.child('nodeName'), nodeName, problem);
  }
  if (hostname !== undefined) {
    for (const problem of dns1123LabelProblems(hostname)) errors.invalid(at.child('hostname'), hostname, problem);
  }
  if (hints) validateHints(hints, at.child('hints'), errors);
}

function validatePorts(ports: readonly EndpointPort[], at: FieldPath, errors: FieldErrors): void {
  if (ports.length > maxPorts) {
    errors.tooMany(at, ports.length, maxPorts);
    return;
  }
  const seen = new Set<string>();
  ports.forEach(({ name = '', protocol, appProtocol }, index) => {
    const place = at.index(index);
    if (name) for (const problem of dns1123LabelProblems(name)) errors.invalid(place.child('name'), name, problem);
    if (seen.has(name)) errors.duplicate(place.child('name'), name);
    seen.add(name);
    if (protocol === undefined) errors.required(place.child('protocol'));
    else checkSupported(errors, place.child('protocol'), protocol, ['SCTP', 'TCP', 'UDP']);
    if (appProtocol === undefined) return;
    for (const problem of qualifiedNameProblems(appProtocol)) {
      errors.invalid(place.child('appProtocol'), appProtocol, problem);
    }
  });
}

function validateEndpoints({ addressType, endpoints }: EndpointSlice, errors: FieldErrors): void {
  if ((endpoints?.length ?? 0) > maxEndpoints) {
    errors.tooMany(path('endpoints'), endpoints!.length, maxEndpoints);
    return;
  }
  endpoints?.forEach((endpoint, index) => {
    validateEndpoint(addressType, endpoint, path('endpoints').index(index), errors);
  });
}

/** They write addresses as they should be. */
const ownMakers = new Set(['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io']);

export const endpointSliceKind: KindDefinition<EndpointSlice> = {
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  metadataLooks: ['object'],
  defaults({ ports }) {
    for (const port of ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },
  prepareForCreate(object) {
    startGeneration(object);
    for (const endpoint of object.endpoints ?? []) delete endpoint.deprecatedTopology;
  },
  prepareForUpdate(next, current) {
    // What is dropped is a change all the same.
    countGeneration(next, current);
    for (const endpoint of next.endpoints ?? []) delete endpoint.deprecatedTopology;
    const isCounted = next.metadata.generation !== current.metadata.generation;
    if (!isCounted && !isEqual(next.metadata.labels ?? {}, current.metadata.labels ?? {})) {
      next.metadata.generation = (current.metadata.generation ?? 0) + 1;
    }
  },
  validate({ addressType, ports }, errors) {
    requireSupported(errors, path('addressType'), addressType, addressTypes);
    validatePorts(ports ?? [], path('ports'), errors);
  },
  validateCreate: validateEndpoints,
  validateUpdate(next, current, errors) {
    if (!isEqual(next.endpoints, current.endpoints)) validateEndpoints(next, errors);
    checkImmutable(errors, path('addressType'), next.addressType, current.addressType);
  },
  warnings: ({ metadata, addressType, endpoints }, current) => [
    ...(addressType === 'FQDN' && !current ? [`${path('spec', 'addressType')}: FQDN endpoints are deprecated`] : []),
    ...(ownMakers.has(metadata.labels?.['endpointslice.kubernetes.io/managed-by'] ?? '')
      ? []
      : (endpoints ?? []).flatMap(({ addresses = [] }, index) =>
          addresses.flatMap((address, position) =>
            ipWarnings(address, path('endpoints').index(index).child('addresses').index(position)),
          ),
        )),
  ],
  columns: [
    nameColumn,
    {
      name: 'AddressType',
      type: 'string',
      description:
        'addressType specifies the type of address carried by this EndpointSlice. All addresses in this slice must be the same type. This field is immutable after creation. The following address types are currently supported: * IPv4: Represents an IPv4 Address. * IPv6: Represents an IPv6 Address. * FQDN: Represents a Fully Qualified Domain Name. (Deprecated) The EndpointSlice controller only generates, and kube-proxy only processes, slices of addressType "IPv4" and "IPv6". No semantics are defined for the "FQDN" type.',
      cell: ({ addressType }) => addressType,
    },
    {
      name: 'Ports',
      type: 'string',
      description:
        'ports specifies the list of network ports exposed by each endpoint in this slice. Each port must have a unique name. Each slice may include a maximum of 100 ports. Services always have at least 1 port, so EndpointSlices generated by the EndpointSlice controller will likewise always have at least 1 port. EndpointSlices used for other purposes may have an empty ports list.',
      cell: ({ ports }) =>
        listCell((ports ?? []).map(({ port }) => (port === undefined ? '*' : String(port)))) || '<unset>',
    },
    {
      name: 'Endpoints',
      type: 'string',
      description:
        'endpoints is a list of unique endpoints in this slice. Each slice may include a maximum of 1000 endpoints.',
      cell: ({ endpoints }) => listCell((endpoints ?? []).flatMap(({ addresses }) => addresses ?? [])) || '<unset>',
    },
    ageColumn,
  ],
};
