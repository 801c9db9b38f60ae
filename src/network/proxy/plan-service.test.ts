import assert from 'node:assert/strict';
import test from 'node:test';
import type { Service } from '../../../generated/core-v1.ts';
import type { Endpoint, EndpointSlice } from '../../../generated/discovery-v1.ts';
import type { Plan } from '../nftables/rule-set.ts';
import { aPod, aService, aSlice } from '../testing/objects.ts';
import { planHostPorts } from './plan-host-ports.ts';
import { planService } from './plan-service.ts';

const node = { nodeName: 'node-1', podCidr: '10.244.0.0/24' };
const web = (spec: Service['spec'] = {}, status: Service['status'] = {}) =>
  aService('default/web', { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'], ...spec }, status);
const slice = (...endpoints: (string | Endpoint)[]) => aSlice('default/web', { endpoints });

/** `services 10.96.0.5 tcp 80 → svc/…`, sorted. */
const elements = (plan: Plan) =>
  plan.elements
    .filter(({ in: name }) => !name.startsWith('endpoint-'))
    .map(({ in: name, element }) => `${name} ${element.key.join(' ')}${element.target ? ` → ${element.target}` : ''}`)
    .sort();
/** Addresses that packets are sent to, by the plan's chains and, as `address`, by the maps that services share. */
function targets(plan: Plan): Record<string, string> {
  const shared = plan.elements.filter(({ in: name }) => /^endpoint-\d/.test(name)).map(({ element }) => element.value);
  const chains = [...plan.chains].map(([name, rules]) => [
    name,
    JSON.stringify(rules)
      .match(/10\.244\.\d+\.\d+/g)
      ?.join(' ') ?? '',
  ]);
  return Object.fromEntries([...chains, ...(shared.length > 0 ? [['address', shared.join(' ')]] : [])]);
}

const terminating = (address: string, serving: boolean): Endpoint =>
  ({ addresses: [address], conditions: { ready: false, serving, terminating: true }, nodeName: 'node-1' }) as Endpoint;
const onOther = (address: string): Endpoint =>
  ({ addresses: [address], conditions: { ready: true }, nodeName: 'node-2' }) as Endpoint;
const nodePort = [{ port: 80, nodePort: 30_000, protocol: 'TCP' as const }];

const chain = 'svc/default/web/tcp/80';
for (const { name, service, slices, want } of [
  {
    name: 'leads its address to its ready endpoints',
    service: web(),
    slices: [slice('10.244.0.5', '10.244.0.6')],
    want: { elements: ['services 10.96.0.5 tcp 80 → spread/2'], targets: { address: '10.244.0.5 10.244.0.6' } },
  },
  {
    name: 'without endpoints is refused, on its node port too',
    service: web({ type: 'NodePort', ports: nodePort }),
    slices: [],
    want: { elements: ['refused 10.96.0.5 tcp 80 → refuse', 'refused-node-ports tcp 30000 → refuse'], targets: {} },
  },
  {
    name: 'leaves out endpoints that are not ready, as long as one is',
    service: web(),
    slices: [slice('10.244.0.5', terminating('10.244.0.6', true))],
    want: { elements: ['services 10.96.0.5 tcp 80 → spread/1'], targets: { address: '10.244.0.5' } },
  },
  {
    name: 'falls back to terminating endpoints that still serve',
    service: web(),
    slices: [slice(terminating('10.244.0.5', false), terminating('10.244.0.6', true))],
    want: { elements: ['services 10.96.0.5 tcp 80 → spread/1'], targets: { address: '10.244.0.6' } },
  },
  {
    name: 'keeps to its node under the internal policy Local',
    service: web({ internalTrafficPolicy: 'Local' }),
    slices: [slice('10.244.0.5', onOther('10.244.1.5'))],
    want: {
      elements: ['services 10.96.0.5 tcp 80 → spread/1'],
      targets: { address: '10.244.0.5' },
    },
  },
  {
    name: 'is silent under the internal policy Local when others have its pods',
    service: web({ internalTrafficPolicy: 'Local' }),
    slices: [slice(onOther('10.244.1.5'))],
    want: { elements: ['refused 10.96.0.5 tcp 80 → discard'], targets: {} },
  },
  {
    name: 'refuses under the internal policy Local when nobody has a pod',
    service: web({ internalTrafficPolicy: 'Local' }),
    slices: [],
    want: { elements: ['refused 10.96.0.5 tcp 80 → refuse'], targets: {} },
  },
  {
    name: 'never leads to loopback, link-local or multicast addresses',
    service: web(),
    slices: [slice('127.0.0.1', '169.254.169.254', '224.0.0.1', '0.0.0.0', '10.244.0.5')],
    want: { elements: ['services 10.96.0.5 tcp 80 → spread/1'], targets: { address: '10.244.0.5' } },
  },
  {
    name: 'takes an endpoint once that is in two slices',
    service: web(),
    slices: [slice('10.244.0.5'), aSlice('default/web', { name: 'web-2', endpoints: ['10.244.0.5'] })],
    want: { elements: ['services 10.96.0.5 tcp 80 → spread/1'], targets: { address: '10.244.0.5' } },
  },
  {
    name: 'takes only slice ports of its own name and protocol',
    service: web({ ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }),
    slices: [
      aSlice('default/web', { ports: [{ name: 'admin', port: 1, protocol: 'TCP' }], endpoints: ['10.244.0.5'] }),
      aSlice('default/web', { ports: [{ name: 'http', port: 2, protocol: 'UDP' }], endpoints: ['10.244.0.6'] }),
    ],
    want: { elements: ['refused 10.96.0.5 tcp 80 → refuse'], targets: {} },
  },
  {
    name: 'that is headless needs nothing',
    service: aService('default/web', { clusterIP: 'None', clusterIPs: ['None'] }),
    slices: [slice('10.244.0.5')],
    want: { elements: [], targets: {} },
  },
  {
    name: 'that is only a name needs nothing',
    service: aService('default/web', { type: 'ExternalName', externalName: 'example.com' }),
    slices: [],
    want: { elements: [], targets: {} },
  },
  {
    name: 'is known by external and load balancer addresses, those of a proxy left out',
    service: web(
      { type: 'LoadBalancer', externalIPs: ['198.51.100.1', '127.0.0.1'] },
      {
        loadBalancer: { ingress: [{ ip: '198.51.100.2' }, { ip: '198.51.100.3', ipMode: 'Proxy' }, { hostname: 'x' }] },
      },
    ),
    slices: [slice(onOther('10.244.1.5'))],
    want: {
      elements: [
        'services 10.96.0.5 tcp 80 → spread/1',
        `services 198.51.100.1 tcp 80 → ${chain}`,
        `services 198.51.100.2 tcp 80 → ${chain}`,
      ],
      targets: { [chain]: '10.244.1.5', address: '10.244.1.5' },
    },
  },
  {
    name: 'with a name no API would take is left out',
    service: aService('default/web;drop', { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'] }),
    slices: [],
    want: { elements: [], targets: {} },
  },
]) {
  test(`a service ${name}`, () => {
    const plan = planService(service, slices as EndpointSlice[], node);
    const shown = elements(plan).filter((element) => !element.startsWith('hairpin'));
    assert.deepEqual({ elements: shown, targets: targets(plan) }, want);
  });
}

test('the external policy Local splits those outside from those inside', () => {
  const service = web({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: nodePort });
  const both = planService(service, [slice('10.244.0.5', onOther('10.244.1.5'))], node);
  assert.ok(elements(both).includes('node-ports tcp 30000 → ext/default/web/tcp/80'));
  assert.deepEqual(targets(both)['local/default/web/tcp/80'], '10.244.0.5');
  const none = planService(service, [slice(onOther('10.244.1.5'))], node);
  assert.match(JSON.stringify(none.chains.get('ext/default/web/tcp/80')), /"drop"/);
});

test('a machine leads to its further nodes what comes to a load balancer of the external policy Local', () => {
  const spec = { type: 'LoadBalancer' as const, externalTrafficPolicy: 'Local' as const, ports: nodePort };
  const service = web(spec, { loadBalancer: { ingress: [{ ip: '198.51.100.2' }] } });
  const facts = { ...node, isFurther: (name: string) => name === 'node-2' };
  const there = planService(service, [slice(onOther('10.244.1.5'))], facts);
  assert.ok(elements(there).includes('services 198.51.100.2 tcp 80 → balanced/default/web/tcp/80'));
  assert.ok(elements(there).includes('keeps-source 10.244.1.5'));
  assert.deepEqual(targets(there)['further/default/web/tcp/80'], '10.244.1.5');
  assert.match(JSON.stringify(there.chains.get('ext/default/web/tcp/80')), /"drop"/, 'its own port stays shut');
  const here = planService(service, [slice('10.244.0.5', onOther('10.244.1.5'))], facts);
  assert.ok(elements(here).includes('services 198.51.100.2 tcp 80 → ext/default/web/tcp/80'));
  assert.equal(elements(here).includes('keeps-source 10.244.1.5'), false);
});

const others = '203.0.113.0/24';
for (const { ranges, what, want } of [
  { what: 'what is no range', ranges: [others, 'all', ' 198.51.100.0/24 '], want: [others, '198.51.100.0/24'] },
  { what: 'IPv6', ranges: [others, 'fd00::/8', '::ffff:10.0.0.0/64'], want: [others] },
  {
    what: 'IPv4 in other clothes',
    ranges: ['::ffff:10.0.0.0/104', '010.9.8.7/32'],
    want: ['10.0.0.0/8', '10.9.8.7/32'],
  },
  { what: 'this node', ranges: ['192.0.2.0/24'], want: ['192.0.2.0/24', '198.51.100.2/32'] },
  { what: 'everybody', ranges: [others, '0.0.0.0/0'], want: undefined },
  { what: 'IPv6 alone', ranges: ['fd00::/8'], want: undefined },
]) {
  test(`load balancer source ranges guard the address where they hold ${what}`, () => {
    const spec = { type: 'LoadBalancer' as const, loadBalancerSourceRanges: ranges };
    const service = web(spec, { loadBalancer: { ingress: [{ ip: '198.51.100.2' }] } });
    const plan = planService(service, [slice('10.244.0.5')], { ...node, addresses: ['192.0.2.7'] });
    const guard = plan.chains.get('guard/default/web/tcp/80');
    const text = JSON.stringify(guard?.slice(0, -1) ?? []);
    const found = [...text.matchAll(/"addr":"([^"]+)","len":(\d+)/g)].map(([, addr, len]) => `${addr}/${len}`);
    assert.deepEqual(guard && found, want);
    assert.equal(guard === undefined || JSON.stringify(guard.at(-1)).includes('drop'), true);
    const led = guard ? 'guard' : 'svc';
    assert.ok(elements(plan).includes(`services 198.51.100.2 tcp 80 → ${led}/default/web/tcp/80`));
  });
}

test('a pod of this node that goes away leaves its service before its slice says so', () => {
  const ref = (name: string, address: string) =>
    ({
      addresses: [address],
      conditions: { ready: true },
      nodeName: 'node-1',
      targetRef: { kind: 'Pod', namespace: 'default', name },
    }) as Endpoint;
  const slices = [slice(ref('old', '10.244.0.5'), ref('new', '10.244.0.6'))];
  const leaving = (...names: string[]) =>
    targets(planService(web(), slices, { ...node, isLeaving: (key) => names.includes(key) }))['address'];
  assert.equal(leaving('default/old'), '10.244.0.6');
  assert.equal(leaving('default/old', 'default/new'), '10.244.0.5 10.244.0.6', 'the last ones stay while they serve');
});

test('session affinity remembers each endpoint in a set named after its time', () => {
  const spec = { sessionAffinity: 'ClientIP' as const, sessionAffinityConfig: { clientIP: { timeoutSeconds: 90 } } };
  const plan = planService(web(spec), [slice('10.244.0.5', '10.244.0.6')], node);
  assert.deepEqual(
    [...plan.sets.values()].map(({ timeoutSeconds }) => timeoutSeconds),
    [90, 90],
  );
  assert.equal(plan.chains.size, 3);
  assert.equal(plan.chains.get(chain)?.length, 3);
});

test('a node port draws a few endpoints by a rule each, and many from a map', () => {
  const rulesFor = (count: number) => {
    const endpoints = Array.from({ length: count }, (_, index) => `10.244.0.${index + 2}`);
    return planService(web({ type: 'NodePort', ports: nodePort }), [slice(...endpoints)], node).chains.get(chain)!;
  };
  assert.equal(rulesFor(16).length, 16);
  assert.equal(rulesFor(17).length, 1);
  const shares = rulesFor(3).map((rule) => /"mod":(\d)/.exec(JSON.stringify(rule))?.[1]);
  assert.deepEqual(shares, ['3', '2', undefined], 'a third, half of the rest, the rest');
});

test('endpoints with several ports, and more than the shared maps hold, have rules of their own', () => {
  const mixed = [
    slice('10.244.0.5'),
    aSlice('default/web', { name: 'b', ports: [{ name: '', protocol: 'TCP', port: 9090 }], endpoints: ['10.244.0.6'] }),
  ];
  assert.deepEqual(
    elements(planService(web(), mixed, node)).filter((each) => each.startsWith('services')),
    [`services 10.96.0.5 tcp 80 → ${chain}`],
  );
  const many = slice(...Array.from({ length: 17 }, (_, index) => `10.244.0.${index + 2}`));
  assert.equal(planService(web(), [many], node).chains.get(chain)?.length, 1);
});

const hinted = (address: string, hints: Endpoint['hints'], nodeName = 'node-2'): Endpoint =>
  ({ addresses: [address], conditions: { ready: true }, nodeName, hints }) as Endpoint;
const zones = (...names: string[]) => ({ forZones: names.map((name) => ({ name })) });
const nodes = (...names: string[]) => ({ forNodes: names.map((name) => ({ name })) });
for (const { name, endpoints, want } of [
  {
    name: 'keep to the zone when all have one and some are of it',
    endpoints: [
      hinted('10.244.1.1', zones('a')),
      hinted('10.244.1.2', zones('b', 'a')),
      hinted('10.244.1.3', zones('b')),
    ],
    want: '10.244.1.1 10.244.1.2',
  },
  {
    name: 'count for nothing when one endpoint has none',
    endpoints: [hinted('10.244.1.1', zones('a')), hinted('10.244.1.2', undefined)],
    want: '10.244.1.1 10.244.1.2',
  },
  {
    name: 'count for nothing when none is of the zone',
    endpoints: [hinted('10.244.1.1', zones('b')), hinted('10.244.1.2', zones('c'))],
    want: '10.244.1.1 10.244.1.2',
  },
  {
    name: 'keep to the node before the zone',
    endpoints: [
      hinted('10.244.1.1', { ...zones('a'), ...nodes('node-1') }),
      hinted('10.244.1.2', { ...zones('a'), ...nodes('node-2') }),
    ],
    want: '10.244.1.1',
  },
  {
    name: 'fall back to the zone when none is of the node',
    endpoints: [
      hinted('10.244.1.1', { ...zones('a'), ...nodes('node-3') }),
      hinted('10.244.1.2', { ...zones('b'), ...nodes('node-2') }),
    ],
    want: '10.244.1.1',
  },
]) {
  test(`hints ${name}`, () => {
    const plan = planService(web(), [slice(...endpoints)], { ...node, zone: 'a' });
    assert.equal(targets(plan)['address'], want);
  });
}

test('each family has its own address, endpoints and pods', () => {
  const both = web({ clusterIPs: ['10.96.0.5', 'fd00:96::5'], type: 'NodePort', ports: nodePort });
  const v6 = {
    ...aSlice('default/web', { name: 'v6', endpoints: ['fd00:10:244::5'] }),
    addressType: 'IPv6',
  } as EndpointSlice;
  const facts = { ...node, podCidr: '10.244.0.0/24,fd00:10:244::/64' };
  const plan = planService(both, [slice('10.244.0.5'), v6], facts, 'IPv6');
  assert.deepEqual(elements(plan), [
    'hairpin fd00:10:244::5 fd00:10:244::5',
    `node-ports tcp 30000 → ${chain}`,
    'services fd00:96::5 tcp 80 → spread/1',
  ]);
  assert.match(JSON.stringify(plan.chains.get(chain)), /"family":"ip6","addr":"fd00:10:244::5"/);
});

test('endpoints that are no pods are told apart', () => {
  const plan = planService(web(), [slice('10.244.0.5', '192.0.2.9')], { ...node, clusterPodCidr: '10.244.0.0/16' });
  assert.deepEqual(
    elements(plan).filter((each) => each.startsWith('outside')),
    ['outside 192.0.2.9'],
  );
});

test('a service or slice that names another proxy, or says that it is headless, is left to others', () => {
  for (const label of ['service-proxy-name', 'headless']) {
    const service = web();
    service.metadata.labels = { [`service.kubernetes.io/${label}`]: '' };
    assert.deepEqual(elements(planService(service, [slice('10.244.0.5')], node)), []);
    const labelled = slice('10.244.0.5');
    labelled.metadata.labels![`service.kubernetes.io/${label}`] = '';
    assert.deepEqual(elements(planService(web(), [labelled], node)), ['refused 10.96.0.5 tcp 80 → refuse']);
  }
});

test('UDP flows are told with all endpoints they may lead to', () => {
  const service = web({ ports: [{ port: 53, protocol: 'UDP', nodePort: 30_053 }] });
  const ports = [{ name: '', port: 53, protocol: 'UDP' as const }];
  const plan = planService(service, [aSlice('default/web', { ports, endpoints: ['10.244.0.5'] })], node);
  assert.deepEqual(plan.udp, [
    { address: '10.96.0.5', port: 53, endpoints: ['10.244.0.5 53'] },
    { port: 30_053, endpoints: ['10.244.0.5 53'] },
  ]);
});

const withPort = (port: object, spec: object = {}) => ({
  spec: { containers: [{ name: 'c', ports: [port] }], ...spec } as never,
});
for (const { name, pod, want } of [
  {
    name: 'leads every address of the node to the pod',
    pod: aPod('default/p', { podIP: '10.244.0.5', ...withPort({ hostPort: 8080, containerPort: 80 }) }),
    want: ['hairpin 10.244.0.5 10.244.0.5', 'host-ports tcp 8080 → host/uid-p/tcp/80'],
  },
  {
    name: 'leads one address when it names one',
    pod: aPod('default/p', {
      podIP: '10.244.0.5',
      ...withPort({ hostPort: 8080, containerPort: 80, hostIP: '127.0.0.1' }),
    }),
    want: ['hairpin 10.244.0.5 10.244.0.5', 'host-ports-by-address 127.0.0.1 tcp 8080 → host/uid-p/tcp/80'],
  },
  {
    name: 'is gone when the pod is over',
    pod: aPod('default/p', {
      podIP: '10.244.0.5',
      phase: 'Succeeded',
      ...withPort({ hostPort: 8080, containerPort: 80 }),
    }),
    want: [],
  },
  {
    name: 'is the pod’s own business on the host’s network',
    pod: aPod('default/p', {
      podIP: '192.0.2.1',
      ...withPort({ hostPort: 80, containerPort: 80 }, { hostNetwork: true }),
    }),
    want: [],
  },
  {
    name: 'waits for the pod’s address',
    pod: aPod('default/p', withPort({ hostPort: 8080, containerPort: 80 })),
    want: [],
  },
]) {
  test(`a host port ${name}`, () => assert.deepEqual(elements(planHostPorts(pod)), want));
}
