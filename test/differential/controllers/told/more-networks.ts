// Slices and endpoints that somebody else touches, and what services say of their pods.
import type { Json } from '../side.ts';
import type { Step, Story } from '../stories.ts';
import { labels, make, patch, pod, podSpec, pods, remove, removeAll, say, story, template } from './words.ts';

const kinds = ['Service', 'EndpointSlice', 'Endpoints'];
const service = (spec: Json = {}, metadata: Json = {}, name = 's') =>
  make('Service', name, { metadata, spec: { selector: labels, ports: [{ port: 80 }], ...spec } });
const tell = (title: string, ...steps: Step[]) => story(`ep/${title}`, kinds, pods('ready'), ...steps);
const p = pod('p', { nodeName: 'n1' });
const ported = (name: string, ...containers: Json[]) =>
  make('Pod', name, { metadata: { labels }, spec: { ...podSpec({ nodeName: 'n1' }), containers } });

export const moreNetworkStories: readonly Story[] = [
  tell(
    'endpoints changed by hand',
    p,
    service(),
    patch('Endpoints', 's', { subsets: null, metadata: { labels: { mine: 'x' }, annotations: { a: 'b' } } }),
  ),
  tell('endpoints deleted', p, service(), remove('Endpoints', 's')),
  tell('slices deleted', p, service(), removeAll('EndpointSlice')),
  tell('service deleted', p, service(), remove('Service', 's')),
  tell(
    'service labels change',
    p,
    service({}, { labels: { a: 'b' } }),
    patch('Service', 's', { metadata: { labels: { a: 'c', 'kubernetes.io/x': 'y' } } }),
    patch('Service', 's', { metadata: { labels: null } }),
  ),
  tell(
    'two services, one pod',
    p,
    service(),
    service({ ports: [{ port: 81, targetPort: 9 }] }, {}, 't'),
    patch('Pod', 'p', { metadata: { labels: { app: 'z' } } }),
  ),
  tell(
    'selector changes to another',
    p,
    pod('q', { nodeName: 'n2' }, { labels: { app: 'q' } }),
    service(),
    patch('Service', 's', { spec: { selector: { app: 'q' } } }),
  ),
  tell(
    'to external and back',
    p,
    service(),
    patch('Service', 's', {
      spec: { type: 'ExternalName', externalName: 'example.com', clusterIP: null, clusterIPs: null },
    }),
    patch('Service', 's', { spec: { type: 'ClusterIP', externalName: null } }),
  ),
  tell('a pod without address', pods('stay'), p, service(), service({ publishNotReadyAddresses: true }, {}, 't')),
  tell('a pod that fails', pods('away'), p, service(), say('p', { set: 'ready' }), say('p', { set: 'failed' })),
  tell(
    'a pod that crashes',
    pods('away'),
    p,
    service({ publishNotReadyAddresses: true }),
    say('p', { set: 'ready' }),
    say('p', { set: 'crash' }),
  ),
  tell(
    'ports of several containers',
    ported(
      'p',
      { name: 'c', image: 'i', ports: [{ name: 'web', containerPort: 1 }] },
      {
        name: 'd',
        image: 'i',
        ports: [
          { name: 'web2', containerPort: 2 },
          { name: 'dns', containerPort: 3, protocol: 'UDP' },
        ],
      },
    ),
    service({
      ports: [
        { name: 'a', port: 80, targetPort: 'web2' },
        { name: 'b', port: 53, targetPort: 'dns' },
        { name: 'c', port: 54, targetPort: 'dns', protocol: 'UDP' },
      ],
    }),
  ),
  tell(
    'SCTP and application protocols',
    p,
    service({ ports: [{ name: 'a', port: 80, protocol: 'SCTP', appProtocol: 'kubernetes.io/ws' }] }),
  ),
  tell(
    'ports in another order',
    p,
    service({
      ports: [
        { name: 'b', port: 2 },
        { name: 'a', port: 1 },
      ],
    }),
    patch('Service', 's', {
      spec: {
        ports: [
          { name: 'a', port: 1 },
          { name: 'b', port: 2 },
        ],
      },
    }),
  ),
  tell(
    'many ports',
    p,
    service({
      ports: ['http', 'https', 'dns', 'x-y', 'metrics', 'z9'].map((name, at) => ({
        name,
        port: 8000 + at * 37,
        ...(at % 3 === 1 ? { appProtocol: 'example.com/x' } : {}),
        ...(at % 2 ? { protocol: 'UDP' } : {}),
      })),
    }),
  ),
  tell(
    'many ports, mirrored',
    service({ selector: null, ports: [{ name: 'a', port: 1 }] }),
    make('Endpoints', 's', {
      subsets: [
        {
          addresses: [{ ip: '192.0.2.1' }],
          ports: ['http', 'https', 'dns', 'x-y', 'metrics'].map((name, at) => ({ name, port: 80 + at })),
        },
      ],
    }),
  ),
  tell(
    'more than a slice holds',
    service(),
    make('ReplicaSet', 'r', { spec: { replicas: 103, selector: { matchLabels: labels }, template: template() } }),
    patch('ReplicaSet', 'r', { spec: { replicas: 98 } }),
  ),
  tell(
    'zones of nodes that change',
    pod('p', { nodeName: 'n1' }),
    pod('q', { nodeName: 'n2' }),
    service({ trafficDistribution: 'PreferSameZone' }),
    patch('Service', 's', { spec: { trafficDistribution: 'PreferSameNode' } }),
  ),
  tell(
    'addresses by annotation',
    p,
    service({}, { annotations: { 'service.alpha.kubernetes.io/tolerate-unready-endpoints': 'true' } }),
    say('p', { set: 'unready' }),
  ),
  tell(
    'a slice made by hand for the service',
    p,
    service(),
    make('EndpointSlice', 'mine', {
      metadata: {
        labels: {
          'kubernetes.io/service-name': 's',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['192.0.2.5'] }],
      ports: [],
    }),
  ),
  tell(
    'a slice of the other family',
    p,
    service(),
    make('EndpointSlice', 'mine', {
      metadata: { labels: { 'kubernetes.io/service-name': 's' } },
      addressType: 'IPv6',
      endpoints: [{ addresses: ['2001:db8::1'] }],
    }),
  ),
  tell(
    'host names and subdomain of a set',
    make('StatefulSet', 'x', {
      spec: {
        replicas: 2,
        serviceName: 's',
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: labels },
        template: template(),
      },
    }),
    service({ clusterIP: 'None' }),
  ),
];
