// Whether the server behind an APIService can be reached, as far as the objects tell; in upstream's reasons and words.
import type { APIService, APIServiceCondition } from '../../../generated/apiregistration-v1.ts';
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import { endpointSliceKind, serviceKind } from '../../../generated/kinds.ts';
import type { ServiceReference } from '../outbound/service-address.ts';
import type { ObjectReader } from '../registry/object-reader.ts';

export type Availability = Pick<APIServiceCondition, 'status' | 'reason' | 'message'>;

export const passed: Availability = { status: 'True', reason: 'Passed', message: 'all checks passed' };

const no = (reason: string, message: string): Availability => ({ status: 'False', reason, message });

export const failedCheck = (message: string) => no('FailedDiscoveryCheck', message);

/** What is missing before the server could be asked; undefined: nothing. */
export function planAvailability(
  objects: ObjectReader,
  { namespace, name, port }: ServiceReference,
): Availability | undefined {
  const quoted = JSON.stringify(namespace);
  const service = objects.find(serviceKind, namespace, name);
  if (!service) return no('ServiceNotFound', `service/${name} in ${quoted} is not present`);
  if ((service.spec?.type ?? 'ClusterIP') !== 'ClusterIP') return undefined;
  const found = service.spec?.ports?.find((each) => each.port === port);
  if (!found) return no('ServicePortError', `service/${name} in ${quoted} is not listening on port ${port}`);
  const slices = objects
    .list(endpointSliceKind, namespace)
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name);
  if (slices.length === 0)
    return no('EndpointsNotFound', `cannot find endpointslices for service/${name} in ${quoted}`);
  const portName = found.name ?? '';
  if (slices.some((slice) => hasEndpoint(slice, portName))) return undefined;
  return no(
    'MissingEndpoints',
    `endpointslices for service/${name} in ${quoted} have no addresses with port name ${JSON.stringify(portName)}`,
  );
}

function hasEndpoint({ endpoints, ports }: EndpointSlice, portName: string): boolean {
  const isReady = (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false);
  return isReady && (ports ?? []).some(({ name, port }) => (name ?? '') === portName && port !== undefined);
}

/** The object's conditions with this one in them; undefined when they say so already. */
export function withCondition(
  { status }: APIService,
  { status: is, reason, message }: Availability,
  now: string,
): APIServiceCondition[] | undefined {
  const conditions = status?.conditions ?? [];
  const at = conditions.findIndex(({ type }) => type === 'Available');
  const before = conditions[at];
  if (before?.status === is && before.reason === reason && before.message === message) return undefined;
  const lastTransitionTime = before?.status === is && before.lastTransitionTime ? before.lastTransitionTime : now;
  const next = { type: 'Available', status: is, lastTransitionTime, reason, message } as APIServiceCondition;
  return at < 0 ? [...conditions, next] : conditions.with(at, next);
}
