// Families and addresses of Services in a cluster of two families, as upstream's server with two ranges answers.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

const services = '/api/v1/namespaces/default/services';
const ranges = '/apis/networking.k8s.io/v1/servicecidrs';
let server: TestServer;
before(async () => {
  server = await startTestServer({ serviceCidr: '10.96.0.0/16,fd00:96::/108' });
});
after(() => server[Symbol.asyncDispose]());

let count = 0;
async function create(spec: object) {
  const name = `s${count++}`;
  const answer = await server.call(`POST ${services}`, {
    metadata: { name },
    spec: { ports: [{ port: 80 }], ...spec },
  });
  return { name, ...answer };
}

const short = ({ ipFamilyPolicy, ipFamilies, clusterIPs, clusterIP }: any) => {
  assert.equal(clusterIP, clusterIPs[0]);
  const kinds = clusterIPs.map((ip: string) => (ip === 'None' ? ip : ip.includes(':') ? 'IPv6' : 'IPv4'));
  return `${ipFamilyPolicy} ${ipFamilies} ${kinds}`;
};

const selector = { a: 'b' };
const cases: readonly [asked: object, given: string][] = [
  [{ selector }, 'SingleStack IPv4 IPv4'],
  [{ selector, ipFamilies: ['IPv6'] }, 'SingleStack IPv6 IPv6'],
  [{ selector, ipFamilyPolicy: 'PreferDualStack' }, 'PreferDualStack IPv4,IPv6 IPv4,IPv6'],
  [{ selector, ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] }, 'RequireDualStack IPv6,IPv4 IPv6,IPv4'],
  [{ selector, clusterIP: 'fd00:96::70' }, 'SingleStack IPv6 IPv6'],
  [{ selector, clusterIP: 'None' }, 'SingleStack IPv4 None'],
  [{ clusterIP: 'None' }, 'RequireDualStack IPv4,IPv6 None'],
];
for (const [asked, given] of cases) {
  test(`${JSON.stringify(asked)} becomes ${given}`, async () => {
    const { body, status } = await create(asked);
    assert.equal(status, 201, body.message);
    assert.equal(short(body.spec), given);
  });
}

test('two families under SingleStack are refused', async () => {
  const { body } = await create({ ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4', 'IPv6'] });
  assert.match(body.message, /must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified/);
});

test('a second address comes and goes with the policy, and the first one stays', async () => {
  const { name, body: made } = await create({ selector });
  const update = async (spec: object) => {
    const { body: now } = await server.call(`GET ${services}/${name}`);
    return server.call(`PUT ${services}/${name}`, { ...now, spec: { ...now.spec, ...spec } });
  };
  const { body: both } = await update({ ipFamilyPolicy: 'RequireDualStack' });
  assert.equal(short(both.spec), 'RequireDualStack IPv4,IPv6 IPv4,IPv6');
  assert.equal(both.spec.clusterIP, made.spec.clusterIP);
  const refused = await update({ clusterIPs: [made.spec.clusterIP] });
  assert.match(refused.body.message, /must be 'SingleStack' to release the secondary cluster IP/);
  const { body: one } = await update({ ipFamilyPolicy: 'SingleStack' });
  assert.equal(short(one.spec), 'SingleStack IPv4 IPv4');
  const taken = await create({ selector, clusterIP: both.spec.clusterIPs[1] });
  assert.equal(taken.status, 201, 'the second address is free again');
});

test('a further range serves addresses once it is ready, and an IPAddress of somebody keeps one back', async () => {
  const ip = '10.77.0.9';
  const outside = await create({ selector, clusterIP: ip });
  assert.match(outside.body.message, /the provided network does not match the current range/);
  const range = await server.create(ranges, { metadata: { name: 'more' }, spec: { cidrs: ['10.77.0.0/24'] } });
  const conditions = [
    { type: 'Ready', status: 'True', reason: '', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
  ];
  await server.call(`PUT ${ranges}/more/status`, { ...range, status: { conditions } });
  await server.create('/apis/networking.k8s.io/v1/ipaddresses', {
    metadata: { name: ip },
    spec: { parentRef: { resource: 'things', name: 'x' } },
  });
  const kept = await create({ selector, clusterIP: ip });
  assert.match(kept.body.message, /provided IP is already allocated/);
  assert.equal((await create({ selector, clusterIP: '10.77.0.10' })).status, 201);
});
