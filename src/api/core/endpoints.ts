// Endpoints: superseded by EndpointSlices, still what older clients read.
import type { EndpointAddress, EndpointPort, Endpoints } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { ipWarnings, validateEndpointIp, validateIp } from '../meta/ip-address.ts';
import {
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  portNumberProblems,
  qualifiedNameProblems,
} from '../meta/names.ts';
import { requireSupported } from '../meta/supported.ts';

function validateAddress({ ip, hostname, nodeName }: EndpointAddress, at: FieldPath, errors: FieldErrors): void {
  validateIp(ip, at.child('ip'), errors);
  if (hostname) {
    for (const problem of dns1123LabelProblems(hostname)) errors.invalid(at.child('hostname'), hostname, problem);
  }
  if (nodeName !== undefined) {
    for (const problem of dns1123SubdomainProblems(nodeName)) errors.invalid(at.child('nodeName'), nodeName, problem);
  }
  validateEndpointIp(ip, at.child('ip'), errors);
}

function validatePort(port: EndpointPort, isNameRequired: boolean, at: FieldPath, errors: FieldErrors): void {
  const name = port.name ?? '';
  if (isNameRequired && !name) errors.required(at.child('name'));
  else if (name) for (const problem of dns1123LabelProblems(name)) errors.invalid(at.child('name'), name, problem);
  for (const problem of portNumberProblems(port.port)) errors.invalid(at.child('port'), port.port, problem);
  requireSupported(errors, at.child('protocol'), port.protocol, ['SCTP', 'TCP', 'UDP']);
  if (port.appProtocol !== undefined) {
    for (const problem of qualifiedNameProblems(port.appProtocol)) {
      errors.invalid(at.child('appProtocol'), port.appProtocol, problem);
    }
  }
}

function endpointsCell({ subsets = [] }: Endpoints): string {
  const shown = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length
      ? ports.flatMap(({ port }) => addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)))
      : addresses.map(({ ip }) => ip),
  );
  return listCell(shown) || '<none>';
}

/** The first three, and how many more there are. */
export function listCell(values: readonly string[]): string {
  const first = values.slice(0, 3).join(',');
  return values.length > 3 ? `${first} + ${values.length - 3} more...` : first;
}

export const endpointsKind: KindDefinition<Endpoints> = {
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  metadataLooks: ['change', 'object'],
  deprecationWarning: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  allowsCreateOnUpdate: true,
  defaults({ subsets = [] }) {
    for (const { ports = [] } of subsets) for (const port of ports) port.protocol ||= 'TCP';
  },
  validate({ subsets = [] }, errors) {
    subsets.forEach(({ addresses = [], notReadyAddresses = [], ports = [] }, index) => {
      const at = path('subsets').index(index);
      if (!addresses.length && !notReadyAddresses.length) {
        errors.required(at, 'must specify `addresses` or `notReadyAddresses`');
      }
      addresses.forEach((each, i) => {
        validateAddress(each, at.child('addresses').index(i), errors);
      });
      notReadyAddresses.forEach((each, i) => {
        validateAddress(each, at.child('notReadyAddresses').index(i), errors);
      });
      ports.forEach((port, i) => {
        validatePort(port, ports.length > 1, at.child('ports').index(i), errors);
      });
    });
  },
  warnings: ({ metadata, subsets = [] }) =>
    metadata.labels?.['endpoints.kubernetes.io/managed-by'] === 'endpoint-controller'
      ? []
      : subsets.flatMap((subset, index) =>
          (['addresses', 'notReadyAddresses'] as const).flatMap((field) =>
            (subset[field] ?? []).flatMap(({ ip }, position) =>
              ipWarnings(ip, path('subsets').index(index).child(field).index(position).child('ip')),
            ),
          ),
        ),
  columns: [
    nameColumn,
    {
      name: 'Endpoints',
      type: 'string',
      description:
        'The set of all endpoints is the union of all subsets. Addresses are placed into subsets according to the IPs they share. A single address with multiple ports, some of which are ready and some of which are not (because they come from different containers) will result in the address being displayed in different subsets for the different ports. No address will appear in both Addresses and NotReadyAddresses in the same subset. Sets of addresses and ports that comprise a service.',
      cell: endpointsCell,
    },
    ageColumn,
  ],
};
