import assert from 'node:assert/strict';
import test from 'node:test';
import type { Namespace } from '../../../generated/core-v1.ts';
import { endpointSliceKind, namespaceKind, serviceKind } from '../../../generated/kinds.ts';
import { FakeInformerFactory } from '../testing/fake-informers.ts';
import { aService, aSlice } from '../testing/objects.ts';
import { fromReverseName, type ResourceRecord } from './resource-record.ts';
import { createZone, type ZoneAnswer } from './zone.ts';

const informers = new FakeInformerFactory();
const zone = createZone({
  informers,
  clusterDomain: 'cluster.local',
  watchNamespaces: true,
  podCidr: '10.244.0.0/16',
  serviceCidr: '10.96.0.0/16',
});
for (const name of ['default', 'other']) {
  informers.informer(namespaceKind).put({ metadata: { name } } as Namespace);
}
const services = informers.informer(serviceKind);
const slices = informers.informer(endpointSliceKind);
services.put(
  aService('default/web', {
    clusterIP: '10.96.0.20',
    clusterIPs: ['10.96.0.20', 'fd00::20'],
    ports: [
      { name: 'http', port: 80, protocol: 'TCP' },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
  }),
);
services.put(aService('default/db', { clusterIP: 'None', clusterIPs: ['None'], ports: [{ name: 'sql', port: 5432 }] }));
slices.put(
  aSlice('default/db', {
    ports: [{ name: 'sql', protocol: 'TCP', port: 15_432 }],
    endpoints: [
      { addresses: ['10.244.0.5'], conditions: { ready: true }, hostname: 'db-0' },
      { addresses: ['10.244.0.6'], conditions: { ready: true } },
      { addresses: ['10.244.0.7'], conditions: { ready: false }, hostname: 'db-2' },
    ],
  }),
);
services.put(aService('default/six', { clusterIP: 'None', clusterIPs: ['None'] }));
slices.put({ ...aSlice('default/six', { endpoints: ['fd00:1::', 'fd00:1::7'] }), addressType: 'IPv6' });
services.put(aService('default/empty', { clusterIP: 'None', clusterIPs: ['None'] }));
services.put(aService('default/out', { type: 'ExternalName', externalName: 'www.example.com.' }));

const text = (record: ResourceRecord) =>
  typeof record.data === 'string'
    ? `${record.type} ${record.data}`
    : record.type === 'SRV'
      ? `SRV ${record.data.priority} ${record.data.weight} ${record.data.port} ${record.data.target}`
      : record.type;
const said = (answer: ZoneAnswer) => ('records' in answer ? answer.records.map(text).join(', ') : answer.kind);

for (const [name, type, want] of [
  ['web.default.svc.cluster.local', 'A', 'A 10.96.0.20'],
  ['web.default.svc.cluster.local', 'AAAA', 'AAAA fd00::20'],
  ['web.default.svc.cluster.local', 'MX', 'nodata'],
  ['fd00-1--7.six.default.svc.cluster.local', 'AAAA', 'AAAA fd00:1::7'],
  ['fd00-1--0.six.default.svc.cluster.local', 'AAAA', 'AAAA fd00:1::'],
  ['web.other.svc.cluster.local', 'A', 'nxdomain'],
  ['web.absent.svc.cluster.local', 'A', 'nxdomain'],
  ['absent.default.svc.cluster.local', 'A', 'nxdomain'],
  ['x.y.z.web.default.svc.cluster.local', 'A', 'nxdomain'],
  ['_http._tcp.web.default.svc.cluster.local', 'SRV', 'SRV 0 100 80 web.default.svc.cluster.local'],
  ['_dns._udp.web.default.svc.cluster.local', 'SRV', 'SRV 0 100 53 web.default.svc.cluster.local'],
  ['_dns._tcp.web.default.svc.cluster.local', 'SRV', 'nxdomain'],
  ['_http._tcp.web.default.svc.cluster.local', 'A', 'A 10.96.0.20'],
  ['_tcp.web.default.svc.cluster.local', 'SRV', 'nxdomain'],
  ['db.default.svc.cluster.local', 'A', 'A 10.244.0.5, A 10.244.0.6'],
  ['db.default.svc.cluster.local', 'AAAA', 'nodata'],
  ['db-0.db.default.svc.cluster.local', 'A', 'A 10.244.0.5'],
  ['10-244-0-6.db.default.svc.cluster.local', 'A', 'A 10.244.0.6'],
  ['10-244-0-5.db.default.svc.cluster.local', 'A', 'nxdomain'],
  ['db-2.db.default.svc.cluster.local', 'A', 'nxdomain'],
  [
    '_sql._tcp.db.default.svc.cluster.local',
    'SRV',
    'SRV 0 50 15432 db-0.db.default.svc.cluster.local, SRV 0 50 15432 10-244-0-6.db.default.svc.cluster.local',
  ],
  ['empty.default.svc.cluster.local', 'A', 'nxdomain'],
  ['out.default.svc.cluster.local', 'A', 'CNAME www.example.com'],
  ['x.out.default.svc.cluster.local', 'A', 'nxdomain'],
  ['10-244-0-5.default.pod.cluster.local', 'A', 'A 10.244.0.5'],
  ['10-244-0-5.default.pod.cluster.local', 'AAAA', 'nodata'],
  ['fd00--5.default.pod.cluster.local', 'AAAA', 'AAAA fd00::5'],
  ['web.default.pod.cluster.local', 'A', 'nxdomain'],
  ['1-2-3-4.absent.pod.cluster.local', 'A', 'nxdomain'],
  ['dns-version.cluster.local', 'TXT', 'TXT 1.1.0'],
  ['cluster.local', 'SOA', 'SOA'],
  ['cluster.local', 'NS', 'NS ns.dns.cluster.local'],
  ['cluster.local', 'A', 'nodata'],
  ['svc.cluster.local', 'A', 'nodata'],
  ['default.svc.cluster.local', 'A', 'nodata'],
  ['web.default.cluster.local', 'A', 'nxdomain'],
  ['example.com', 'A', 'elsewhere'],
  ['notcluster.local', 'A', 'elsewhere'],
  ['', 'A', 'elsewhere'],
  ['20.0.96.10.in-addr.arpa', 'PTR', 'PTR web.default.svc.cluster.local'],
  ['5.0.244.10.in-addr.arpa', 'PTR', 'PTR db-0.db.default.svc.cluster.local'],
  ['6.0.244.10.in-addr.arpa', 'PTR', 'PTR 10-244-0-6.db.default.svc.cluster.local'],
  ['9.9.244.10.in-addr.arpa', 'PTR', 'nxdomain'],
  ['8.8.8.8.in-addr.arpa', 'PTR', 'elsewhere'],
  [
    '0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa',
    'PTR',
    'PTR web.default.svc.cluster.local',
  ],
] as const) {
  test(`the zone says ${want.split(' ')[0]} to ${type} ${name || 'the root'}`, () =>
    assert.equal(said(zone.resolve(name, type)), want));
}

test('an SRV answer brings the addresses of its targets', () => {
  const answer = zone.resolve('_sql._tcp.db.default.svc.cluster.local', 'SRV');
  assert.ok(answer.kind === 'found');
  assert.deepEqual(answer.extra?.map(text), ['A 10.244.0.5', 'A 10.244.0.6']);
});

test('a "no" carries the SOA, with how long it holds', () => {
  const answer = zone.resolve('absent.default.svc.cluster.local', 'A');
  assert.ok(answer.kind === 'nxdomain' && answer.authority.type === 'SOA');
  assert.deepEqual(
    [answer.authority.name, answer.authority.ttl, answer.authority.data.minimum],
    ['cluster.local', 5, 5],
  );
});

for (const [name, want] of [
  ['1.0.0.127.in-addr.arpa', '127.0.0.1'],
  ['0.0.127.in-addr.arpa', undefined],
  ['300.0.0.10.in-addr.arpa', undefined],
  ['1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa', '::1'],
  ['1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa', '2001:db8:1::1'],
  ['g.ip6.arpa', undefined],
] as const) {
  test(`fromReverseName reads ${name}`, () => assert.equal(fromReverseName(name), want));
}
