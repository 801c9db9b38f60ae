// The proxy subresources of pods, services and nodes: HTTP through the API server.
import { isIP } from 'node:net';
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import { endpointSliceKind, serviceKind } from '../../../generated/kinds.ts';
import { badRequest, notFound, serviceUnavailable } from '../../api/meta/status-error.ts';
import { type Backend, forward } from './backend.ts';
import { admitConnection } from './connect-options.ts';
import type { SubresourceHandler, SubresourceRequest } from './handler.ts';
import { type KubeletIdentity, kubeletBackend } from './kubelet.ts';
import { podOf } from './pod-container.ts';

const optionsKinds: Record<string, string> = {
  pods: 'PodProxyOptions',
  services: 'ServiceProxyOptions',
  nodes: 'NodeProxyOptions',
};

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

type Place = Pick<Backend, 'host' | 'port' | 'tls'>;

export function proxies(identity: KubeletIdentity): SubresourceHandler[] {
  const handler = (
    resource: string,
    find: (request: SubresourceRequest, target: Target) => Place,
  ): SubresourceHandler => ({
    group: '',
    resource,
    subresource: 'proxy',
    methods,
    isLongRunning: true,
    async handle(request) {
      const path = pathOf(request);
      await admitConnection(request, optionsKinds[resource]!, { path: path.split('?')[0] });
      const target = parseTarget(request.info.name, resource.slice(0, -1));
      const named = { ...request, info: { ...request.info, name: target.name } };
      const backend = { ...find(named, target), path };
      return forward(request.http, backend, forwardedHeaders(request));
    },
  });
  return [
    handler('pods', podPlace),
    handler('services', servicePlace),
    handler('nodes', ({ objects }, { name }) => kubeletBackend(objects, identity, name, '')),
  ];
}

interface Target {
  readonly isTls: boolean;
  readonly name: string;
  readonly port: string;
}

/** `[scheme:]name[:port]` */
function parseTarget(text: string, what: string): Target {
  const parts = text.split(':');
  const [scheme, name, port] = parts.length === 3 ? parts : parts.length === 2 ? ['', ...parts] : ['', text, ''];
  if (parts.length > 3 || !name || !['', 'http', 'https'].includes(scheme!))
    throw badRequest(`invalid ${what} request ${JSON.stringify(text)}`);
  return { isTls: scheme === 'https', name, port: port ?? '' };
}

/** What follows `/proxy`, as it was sent. */
function pathOf({ http, info }: SubresourceRequest): string {
  const url = http.url;
  const queryStart = url.indexOf('?');
  const path = queryStart < 0 ? url : url.slice(0, queryStart);
  const query = queryStart < 0 ? '' : url.slice(queryStart);
  const kind = info.namespace ? `/namespaces/${info.namespace}/${info.resource}/` : `/${info.resource}/`;
  const start = path.indexOf('/proxy', path.indexOf(kind) + kind.length);
  return (path.slice(start + '/proxy'.length) || '/') + query;
}

function forwardedHeaders({ http, info }: SubresourceRequest): Record<string, string> {
  const host = http.headers['host'] ?? http.headers[':authority'];
  const scope = info.namespace ? `/api/v1/namespaces/${info.namespace}` : '/api/v1';
  return {
    'x-forwarded-uri': `${scope}/${info.resource}/${encodeURIComponent(info.name)}/proxy${pathOf({ http, info } as SubresourceRequest).split('?')[0]}`,
    'x-forwarded-proto': 'https',
    ...(typeof host === 'string' ? { 'x-forwarded-host': host } : {}),
  };
}

function podPlace(request: SubresourceRequest, { isTls, port }: Target): Place {
  const { spec, status } = podOf(request);
  const first = spec.containers.flatMap((container) => container.ports ?? [])[0]?.containerPort;
  const named = spec.containers.flatMap((container) => container.ports ?? []).find(({ name }) => name && name === port);
  const number = port === '' ? (first ?? (isTls ? 443 : 80)) : (named?.containerPort ?? portNumber(port));
  return place(status?.podIP ?? '', number, isTls);
}

function servicePlace({ objects, info, random }: SubresourceRequest, { isTls, name, port }: Target): Place {
  const missing = notFound({ group: '', name: 'services' }, name);
  const service = objects.find(serviceKind, info.namespace, name);
  if (!service) throw missing;
  const ports = service.spec?.ports ?? [];
  const wanted =
    port === '' && ports.length === 1
      ? ports[0]
      : ports.find((each) => each.name === port || String(each.port) === port);
  const slices = objects
    .list(endpointSliceKind, info.namespace)
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name);
  if (slices.length === 0) throw missing;
  const places = wanted ? slices.flatMap((slice) => readyPlaces(slice, wanted.name ?? '')) : [];
  if (places.length === 0) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(info.name)}`);
  const chosen = places[Math.floor(random.next() * places.length)]!;
  return place(chosen.host, chosen.port, isTls);
}

function readyPlaces({ endpoints, ports }: EndpointSlice, portName: string): { host: string; port: number }[] {
  const port = ports?.find(({ name }) => (name ?? '') === portName)?.port;
  if (!port) return [];
  const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
  return ready.flatMap(({ addresses }) => (addresses[0] ? [{ host: addresses[0], port }] : []));
}

function portNumber(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw badRequest(`invalid port ${JSON.stringify(text)}`);
  return port;
}

/** Addresses that lead back into this machine are nobody's pod. The address is connected to as it was checked. */
function place(host: string, port: number, isTls: boolean): Place {
  if (!isIP(host) || /^(?:127\.|0\.|169\.254\.|22[4-9]\.|23[0-9]\.|::1?$|fe[89ab]|ff|::ffff:)/i.test(host))
    throw badRequest('address not allowed');
  return { host, port, ...(isTls ? { tls: {} } : {}) };
}
