import assert from 'node:assert/strict';
import test from 'node:test';
import type { ConfigMap } from '../../../generated/core-v1.ts';
import { configMapKind } from '../../../generated/kinds.ts';
import { silentLogger } from '../../base/log.ts';
import { FakeInformerFactory } from '../testing/fake-informers.ts';
import { configuredUpstreams, parseDnsConfig, parseResolvConf } from './upstreams.ts';

test('name servers of a resolv.conf are the first three, without ourselves', () => {
  const text =
    'search a\nnameserver 192.0.2.1\n nameserver 10.0.0.1\nnameserver x\nnameserver ::1%lo\nnameserver 192.0.2.4\n';
  assert.deepEqual(
    parseResolvConf(text, ['10.0.0.1']).map(({ address }) => address),
    ['192.0.2.1', '::1', '192.0.2.4'],
  );
});

for (const [what, data, want] of [
  ['no list', { upstreamNameservers: '"192.0.2.1"' }, /upstreamNameservers: must be a list of 1 to 8 addresses/],
  ['no address', { stubDomains: '{"a.b":["192.0.2.1","host"]}' }, /stubDomains\["a.b"\]: "host" is not an address/],
  ['a port too large', { upstreamNameservers: '["192.0.2.1:70000"]' }, /"192.0.2.1:70000" is not an address/],
  ['no object', { stubDomains: '[]' }, /stubDomains: must be an object/],
  ['no JSON', { stubDomains: '{' }, /JSON/],
] as const)
  test(`servers of domains are refused when there is ${what}`, () => {
    assert.throws(() => parseDnsConfig(data), want);
  });

test('a name is asked of the servers of the longest domain it is in, and of the usual ones again when the map is gone', async () => {
  const informers = new FakeInformerFactory();
  const source = configuredUpstreams({
    informers,
    otherwise: { current: async () => [{ address: '192.0.2.1', port: 53 }] },
    log: silentLogger,
  });
  let changes = 0;
  source.onChange!(() => changes++);
  const maps = informers.informer(configMapKind);
  const put = (data: Record<string, string>) =>
    maps.put({ metadata: { namespace: 'kube-system', name: 'kube-dns' }, data } as ConfigMap);
  const asked = async (name: string) => (await source.current(name)).map(({ address, port }) => `${address} ${port}`);
  put({ stubDomains: '{"Acme.local.":["192.0.2.2:5353"],"def.acme.local":["[2001:db8::1]:54"]}' });
  assert.deepEqual(await asked('abc.acme.local'), ['192.0.2.2 5353']);
  assert.deepEqual(await asked('x.def.acme.local'), ['2001:db8::1 54']);
  assert.deepEqual(await asked('notacme.local'), ['192.0.2.1 53']);
  put({ upstreamNameservers: '["192.0.2.3"]' });
  assert.deepEqual(await asked('abc.acme.local'), ['192.0.2.3 53']);
  put({ upstreamNameservers: '"typo"' });
  assert.deepEqual(await asked('abc.acme.local'), ['192.0.2.3 53'], 'what was said before holds');
  maps.remove('kube-system/kube-dns');
  assert.deepEqual(await asked('abc.acme.local'), ['192.0.2.1 53']);
  assert.equal(changes, 4);
});
