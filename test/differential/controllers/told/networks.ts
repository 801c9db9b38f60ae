// EndpointSlices, Endpoints and what is mirrored.
import type { Story } from '../stories.ts';
import { labels, make, patch, pod, podSpec, pods, remove, say, story } from './words.ts';

const kinds = ['Service', 'EndpointSlice', 'Endpoints'];
const service = (spec: object, metadata = {}) =>
  make('Service', 's', { metadata, spec: { selector: labels, ports: [{ port: 80 }], ...spec } });
const addresses = (...ips: string[]) => ips.map((ip) => ({ ip }));

export const networkStories: readonly Story[] = [
  story(
    'net/endpoints mirrored and changed',
    kinds,
    service({
      selector: null,
      ports: [
        { port: 80, name: 'web' },
        { port: 443, name: 'tls' },
      ],
    }),
    make('Endpoints', 's', {
      metadata: {
        labels: { mine: 'x' },
        annotations: { note: 'y', 'endpoints.kubernetes.io/last-change-trigger-time': '{time:0}' },
      },
      subsets: [
        {
          addresses: [
            { ip: '192.0.2.1', hostname: 'h', nodeName: 'n1', targetRef: { kind: 'Pod', name: 'p' } },
            { ip: '2001:db8::1' },
          ],
          notReadyAddresses: addresses('192.0.2.2'),
          ports: [
            { name: 'web', port: 8080 },
            { name: 'tls', port: 8443, appProtocol: 'https' },
          ],
        },
        { addresses: addresses('192.0.2.3'), ports: [{ name: 'web', port: 9090, protocol: 'UDP' }] },
      ],
    }),
    patch('Endpoints', 's', { metadata: { labels: { mine: 'z' }, annotations: { note: null } } }),
    patch('Endpoints', 's', { subsets: [{ addresses: addresses('192.0.2.9'), ports: [{ name: 'web', port: 1 }] }] }),
    patch('Endpoints', 's', { metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } } }),
    patch('Endpoints', 's', { metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': null } } }),
    patch('Endpoints', 's', { subsets: null }),
    remove('Endpoints', 's'),
  ),
  story(
    'net/mirrored until the service has a selector',
    kinds,
    service({ selector: null }),
    make('Endpoints', 's', { subsets: [{ addresses: addresses('192.0.2.1'), ports: [{ port: 80 }] }] }),
    patch('Service', 's', { spec: { selector: labels } }),
    patch('Service', 's', { spec: { selector: null } }),
    remove('Service', 's'),
  ),
  story(
    'net/endpoints without service',
    kinds,
    make('Endpoints', 's', { subsets: [{ addresses: addresses('192.0.2.1'), ports: [{ port: 80 }] }] }),
    service({ selector: null }),
  ),
  story(
    'net/more addresses than are mirrored',
    kinds,
    service({ selector: null }),
    make('Endpoints', 's', {
      subsets: [
        {
          addresses: addresses(
            ...Array.from({ length: 1005 }, (_, at) => `192.0.${Math.floor(at / 250)}.${(at % 250) + 1}`),
          ),
          ports: [{ port: 80 }],
        },
      ],
    }),
  ),
  story(
    'net/leader election endpoints are left',
    kinds,
    service({ selector: null }),
    make('Endpoints', 's', {
      metadata: { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } },
      subsets: [{ addresses: addresses('192.0.2.1'), ports: [{ port: 80 }] }],
    }),
  ),
  story(
    'net/a pod ends slowly',
    kinds,
    pods('away'),
    service({
      ports: [
        { port: 80, targetPort: 'web', name: 'x', appProtocol: 'http' },
        { port: 53, protocol: 'UDP', name: 'dns' },
      ],
    }),
    make('Pod', 'p', {
      metadata: { labels, finalizers: ['example.com/held'] },
      spec: podSpec(
        { nodeName: 'n1', terminationGracePeriodSeconds: 300 },
        { ports: [{ name: 'web', containerPort: 8080 }] },
      ),
    }),
    say('p', { set: 'unready' }),
    say('p', { set: 'ready' }),
    remove('Pod', 'p'),
    say('p', { set: 'unready' }),
    patch('Service', 's', { spec: { publishNotReadyAddresses: true } }),
    say('p', { set: 'succeeded' }),
    patch('Pod', 'p', { metadata: { finalizers: null } }),
  ),
  story(
    'net/two pods with different named ports',
    kinds,
    pods('away'),
    service({ ports: [{ port: 80, targetPort: 'web' }] }),
    make('Pod', 'p', {
      metadata: { labels },
      spec: podSpec({ nodeName: 'n1' }, { ports: [{ name: 'web', containerPort: 8080 }] }),
    }),
    make('Pod', 'q', {
      metadata: { labels },
      spec: podSpec({ nodeName: 'n2' }, { ports: [{ name: 'web', containerPort: 9090 }] }),
    }),
    make('Pod', 'r', {
      metadata: { labels },
      spec: podSpec({
        nodeName: 'n3',
        initContainers: [
          { name: 'side', image: 'i', restartPolicy: 'Always', ports: [{ name: 'web', containerPort: 7070 }] },
        ],
      }),
    }),
    say('.', { set: 'ready' }),
    remove('Service', 's'),
  ),
  story(
    'net/host network and host names',
    kinds,
    pods('ready'),
    service({ clusterIP: 'None' }),
    pod('p', { hostname: 'h', subdomain: 's' }),
    pod('q', { hostname: 'h', subdomain: 't' }),
    pod('r', { hostNetwork: true }),
    patch('Service', 's', { metadata: { labels: { 'service.kubernetes.io/headless': 'x', more: 'y' } } }),
  ),
  story(
    'net/many ports and no address',
    kinds,
    pods('stay'),
    service({ ports: [1, 2, 3].map((port) => ({ port, name: `p${port}` })) }),
    pod('p'),
    patch('Service', 's', { spec: { ports: null, clusterIP: 'None', type: 'ClusterIP' } }),
    patch('Service', 's', {
      spec: { type: 'ExternalName', externalName: 'example.com', clusterIP: null, clusterIPs: null, ports: null },
    }),
  ),
  story(
    'net/another proxy',
    kinds,
    pods('ready'),
    pod('p'),
    service(
      {},
      {
        labels: { 'service.kubernetes.io/service-proxy-name': 'mine' },
        annotations: { a: 'b', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
      },
    ),
  ),
  story(
    'net/traffic distribution',
    kinds,
    pods('ready'),
    pod('p'),
    pod('q'),
    service({ trafficDistribution: 'PreferClose' }),
    patch('Service', 's', {
      spec: { trafficDistribution: null },
      metadata: { annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } },
    }),
    patch('Service', 's', {
      spec: { internalTrafficPolicy: 'Local' },
      metadata: { annotations: { 'service.kubernetes.io/topology-mode': 'Disabled' } },
    }),
    patch('Service', 's', { metadata: { annotations: { 'service.kubernetes.io/topology-mode': 'Nonsense' } } }),
  ),
  story(
    'net/selector that matches everything',
    kinds,
    pods('ready'),
    pod('p'),
    pod('q', {}, {}),
    service({ selector: {} }),
    patch('Service', 's', { spec: { selector: { app: 'a' } } }),
    patch('Service', 's', { spec: { selector: { app: null, none: 'x' } } }),
  ),
  story(
    'net/load balancer classes',
    kinds,
    service({ type: 'LoadBalancer', loadBalancerClass: 'example.com/other' }),
    patch('Service', 's', { spec: { type: 'NodePort', loadBalancerClass: null } }),
    remove('Service', 's'),
  ),
];
