// From a service's name to an address. The API server stands beside the cluster's network, not in it: it goes straight to
// an endpoint that is ready, as upstream's does with --enable-aggregator-routing.
import type { Service } from '../../../generated/core-v1.ts';
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import { endpointSliceKind, serviceKind } from '../../../generated/kinds.ts';
import { notFound, serviceUnavailable } from '../../api/meta/status-error.ts';
import type { Random } from '../../base/random.ts';
import type { ObjectReader } from '../registry/object-reader.ts';

export interface ServiceReference {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

export interface HostPort {
  /** An IP address, or a name that is looked up when it is dialled. */
  readonly host: string;
  readonly port: number;
}

export interface ResolveParts {
  readonly objects: ObjectReader;
  readonly random: Random;
}

const quoted = JSON.stringify;
const noEndpoints = (name: string) => serviceUnavailable(`no endpoints available for service ${quoted(name)}`);

/** One ready endpoint of a service. @throws NotFound, ServiceUnavailable, Error in upstream's words */
export function resolveService({ objects, random }: ResolveParts, reference: ServiceReference): HostPort {
  const { namespace, name, port } = reference;
  const service = objects.find(serviceKind, namespace, name);
  if (!service) throw notFound({ group: '', name: 'service' }, name);
  const type = service.spec?.type ?? 'ClusterIP';
  if (type === 'ExternalName') throw new Error(`unsupported service type ${quoted(type)}`);
  const wanted = service.spec?.ports?.find((each) => each.port === port);
  if (!wanted) throw serviceUnavailable(`no service port ${port} found for service ${quoted(name)}`);
  for (const slice of slicesOf(objects, service)) {
    const found = readyEndpoint(slice, wanted.name ?? '', random);
    if (found) return found;
  }
  throw noEndpoints(name);
}

/** Those of the service's first address family come first. */
function slicesOf(objects: ObjectReader, { metadata, spec }: Service): EndpointSlice[] {
  const slices = objects
    .list(endpointSliceKind, metadata.namespace)
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === metadata.name);
  const first = spec?.ipFamilies?.[0];
  return first ? slices.sort((a, b) => Number(b.addressType === first) - Number(a.addressType === first)) : slices;
}

function readyEndpoint({ endpoints, ports }: EndpointSlice, portName: string, random: Random): HostPort | undefined {
  const port = ports?.find(({ name }) => (name ?? '') === portName)?.port;
  if (!port) return undefined;
  const ready = (endpoints ?? []).filter(({ conditions, addresses }) => conditions?.ready !== false && addresses?.[0]);
  const chosen = ready[Math.floor(random.next() * ready.length)];
  return chosen ? { host: chosen.addresses[0]!, port } : undefined;
}
