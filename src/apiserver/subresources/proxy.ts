// The proxy subresources of pods, services and nodes: HTTP through the API server.
import { isIP } from 'node:net';
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import { endpointSliceKind, podKind, serviceKind } from '../../../generated/kinds.ts';
import { badRequest, notFound, serviceUnavailable } from '../../api/meta/status-error.ts';
import type { Answer } from '../http/answer.ts';
import type { ServerRequest } from '../http/exchange.ts';
import type { ObjectReader } from '../registry/object-reader.ts';
import { authorityOf, type Backend, forward } from './backend.ts';
import { admitConnection } from './connect-options.ts';
import type { SubresourceHandler, SubresourceRequest } from './handler.ts';
import { type KubeletIdentity, kubeletBackend } from './kubelet.ts';
import { podOf } from './pod-container.ts';
import { rewritten } from './proxy-rewrite.ts';

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
      const { http } = request;
      const { path, query, prefix } = partsOf(request);
      await admitConnection(request, optionsKinds[resource]!, { path });
      const target = parseTarget(request.info.name, resource.slice(0, -1));
      const named = { ...request, info: { ...request.info, name: target.name } };
      const found = find(named, target);
      const isReading = http.method === 'GET' || http.method === 'HEAD';
      if (path === '' && isReading && !http.upgrade) return moved(`${prefix}/${query}`);
      const requestHost = hostOf(http);
      const backend = { ...found, path: `${path || '/'}${query}` };
      const headers = {
        'x-forwarded-uri': `${prefix}${path}`,
        // A node's agent is itself, whatever the caller calls us.
        ...(requestHost && resource !== 'nodes' ? { host: requestHost } : {}),
      };
      const place = { prefix, backendHost: authorityOf(backend), requestHost };
      return forward(http, backend, headers, (response) => rewritten(response, place));
    },
  });
  return [
    handler('pods', podPlace),
    handler('services', servicePlace),
    handler('nodes', ({ objects }, { name, port, isTls }) => {
      const agent = kubeletBackend(objects, identity, name, '');
      // Another port is another server, to which we show no certificate.
      return port === '' || port === String(agent.port) ? agent : place(agent.host, portNumber(port), isTls);
    }),
  ];
}

interface Target {
  readonly isTls: boolean;
  readonly name: string;
  readonly port: string;
  /** All of it, for messages. */
  readonly id: string;
}

/** `[scheme:]name[:port]` */
function parseTarget(text: string, what: string): Target {
  const parts = text.split(':');
  const [scheme, name, port] = parts.length === 3 ? parts : parts.length === 2 ? ['', ...parts] : ['', text, ''];
  if (parts.length > 3 || !name || !['', 'http', 'https'].includes(scheme!))
    throw badRequest(`invalid ${what} request ${JSON.stringify(text)}`);
  return { isTls: scheme === 'https', name, port: port ?? '', id: text };
}

/** The path up to `/proxy`, and what follows it, as they were sent. */
function partsOf({ http, info }: SubresourceRequest): { prefix: string; path: string; query: string } {
  const { url } = http;
  const mark = url.indexOf('?');
  const whole = mark < 0 ? url : url.slice(0, mark);
  const kind = info.namespace ? `/namespaces/${info.namespace}/${info.resource}/` : `/${info.resource}/`;
  const end = whole.indexOf('/proxy', whole.indexOf(kind) + kind.length) + '/proxy'.length;
  return { prefix: whole.slice(0, end), path: whole.slice(end), query: mark < 0 ? '' : url.slice(mark) };
}

function hostOf({ headers }: ServerRequest): string {
  const host = headers['host'] ?? headers[':authority'];
  return typeof host === 'string' ? host : '';
}

/** Links of a page are relative to its folder: it must be asked for as one. */
function moved(location: string): Answer {
  return { type: 'bytes', status: 301, contentType: '', body: new Uint8Array(), headers: { location } };
}

function podPlace(request: SubresourceRequest, { isTls, port }: Target): Place {
  const { spec, status } = podOf(request);
  const first = spec.containers.flatMap((container) => container.ports ?? [])[0]?.containerPort;
  const named = spec.containers.flatMap((container) => container.ports ?? []).find(({ name }) => name && name === port);
  const number = port === '' ? (first ?? (isTls ? 443 : 80)) : (named?.containerPort ?? portNumber(port));
  return place(status?.podIP ?? '', number, isTls);
}

function servicePlace({ objects, info, random }: SubresourceRequest, { isTls, name, port, id }: Target): Place {
  const missing = notFound({ group: '', name: 'services' }, name);
  const service = objects.find(serviceKind, info.namespace, name);
  if (!service) throw missing;
  const ports = service.spec?.ports ?? [];
  const isNumber = /^[0-9]+$/.test(port);
  const declared = ports.find((each) => each.port === Number(port));
  if (isNumber && !declared)
    throw serviceUnavailable(`no service port ${Number(port)} found for service ${JSON.stringify(name)}`);
  const portName = isNumber ? (declared!.name ?? '') : port;
  const slices = objects
    .list(endpointSliceKind, info.namespace)
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name);
  if (slices.length === 0) throw missing;
  const places = slices
    .flatMap((slice) => readyPlaces(slice, portName))
    .filter((each) => isPods(objects, info.namespace, each));
  if (places.length === 0) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(id)}`);
  const chosen = places[Math.floor(random.next() * places.length)]!;
  return place(chosen.host, chosen.port, isTls);
}

interface ReadyPlace {
  readonly host: string;
  readonly port: number;
  readonly pod: string;
}

function readyPlaces({ endpoints, ports }: EndpointSlice, portName: string): ReadyPlace[] {
  const port = ports?.find(({ name }) => (name ?? '') === portName)?.port;
  if (!port) return [];
  const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
  return ready.flatMap(({ addresses, targetRef }) =>
    addresses[0] && targetRef?.kind === 'Pod' && targetRef.name
      ? [{ host: addresses[0], port, pod: targetRef.name }]
      : [],
  );
}

/** Only pods are proxied to: whoever writes endpoints could else reach whatever this machine reaches. */
function isPods(objects: ObjectReader, namespace: string, { host, pod }: ReadyPlace): boolean {
  const status = objects.find(podKind, namespace, pod)?.status;
  return status?.podIP === host || (status?.podIPs?.some(({ ip }) => ip === host) ?? false);
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
