import assert from 'node:assert/strict';
import type { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { certificateAlgorithm, certificateSerial, loadX509, newCertificateKeys } from '../../base/x509.ts';
import type { ExtenderConfiguration } from '../config/types.ts';
import type { NodeView } from '../node-cache.ts';
import { viewOf } from '../pod-view.ts';
import { agreedBy, Extender } from './extender.ts';

let identity: { cert: string; key: string };
let answer: (verb: string, body: any) => unknown;
const server: { url: string; asked: { verb: string; body: any; client: string }[]; close(): void } = {
  url: '',
  asked: [],
  close: () => {},
};

/** One certificate that vouches for itself, for both ends. */
async function certify(): Promise<{ cert: string; key: string }> {
  const x509 = await loadX509();
  const { keys, pem } = await newCertificateKeys();
  const hourMs = 3_600_000;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: certificateSerial(),
    name: 'CN=extender',
    notBefore: new Date(Date.now() - hourMs),
    notAfter: new Date(Date.now() + 24 * hourMs),
    signingAlgorithm: certificateAlgorithm,
    keys: keys as webcrypto.CryptoKeyPair,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'extender.example' }]),
    ],
  });
  return { cert: certificate.toString('pem'), key: pem };
}

before(async () => {
  identity = await certify();
  const https = createServer({ ...identity, ca: identity.cert, requestCert: true, rejectUnauthorized: false });
  https.on('request', async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const verb = request.url!.slice(1);
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    const client = (request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? '';
    server.asked.push({ verb, body, client: String(client) });
    response.end(JSON.stringify(answer(verb, body)));
  });
  https.listen(0, '127.0.0.1');
  await once(https, 'listening');
  server.url = `https://127.0.0.1:${(https.address() as AddressInfo).port}`;
  server.close = () => {
    https.closeAllConnections();
    https.close();
  };
});
after(() => server.close());

const base64 = (text: string) => Buffer.from(text).toString('base64');
const aPod = (name: string, node?: string) =>
  viewOf({
    metadata: { name, namespace: 'default', uid: `uid-${name}` },
    spec: { containers: [{ name: 'c' }], ...(node ? { nodeName: node } : {}) },
  });
const aNode = (name: string, ...pods: ReturnType<typeof aPod>[]) =>
  ({ name, node: { metadata: { name } }, pods: new Map(pods.map((pod) => [pod.key, pod])) }) as unknown as NodeView;
const { signal } = new AbortController();

function anExtender(more: Partial<ExtenderConfiguration>): Extender {
  const tlsConfig = {
    caData: base64(identity.cert),
    certData: base64(identity.cert),
    keyData: base64(identity.key),
    serverName: 'extender.example',
  };
  return new Extender({ urlPrefix: server.url, enableHTTPS: true, nodeCacheCapable: true, tlsConfig, ...more });
}

test('an extender is believed for its certificate, and shown ours', async () => {
  using extender = closing(anExtender({ filterVerb: 'filter' }));
  const nodes = [aNode('a'), aNode('b')];
  answer = (_, body) => ({ NodeNames: body.NodeNames.slice(1) });
  const { nodes: left } = await extender.filter(aPod('p'), nodes, signal);
  assert.deepEqual(left, [nodes[1]]);
  assert.equal(server.asked.at(-1)?.client, 'extender');
  using stranger = closing(anExtender({ filterVerb: 'filter', tlsConfig: { caData: base64((await certify()).cert) } }));
  await assert.rejects(stranger.filter(aPod('p'), nodes, signal), /self-signed certificate|unable to verify/);
  using other = closing(
    anExtender({ filterVerb: 'filter', tlsConfig: { caData: base64(identity.cert), serverName: 'other.example' } }),
  );
  await assert.rejects(other.filter(aPod('p'), nodes, signal), /does not match certificate/);
});

test('victims are those that an extender agrees to, and it may not invent any', async () => {
  using extender = closing(anExtender({ preemptVerb: 'preempt' }));
  const [first, second] = [aPod('first', 'a'), aPod('second', 'a')];
  const nodes = new Map([
    ['a', aNode('a', first, second)],
    ['b', aNode('b')],
  ]);
  const plans = [
    { node: 'a', victims: [first, second], violations: 1 },
    { node: 'b', victims: [] },
  ];
  const find = (name: string) => nodes.get(name);
  answer = () => ({ nodeNameToMetaVictims: { a: { pods: [{ uid: 'uid-second' }], numPDBViolations: 0 } } });
  const agreed = await agreedBy([extender], aPod('p'), plans, { find, signal });
  assert.deepEqual(agreed, [{ node: 'a', victims: [second], violations: 0 }]);
  const { NodeNameToMetaVictims: shown, NodeNameToVictims: whole } = server.asked.at(-1)!.body;
  assert.deepEqual(shown.a, { Pods: [{ UID: 'uid-first' }, { UID: 'uid-second' }], NumPDBViolations: 1 });
  assert.equal(whole, null);
  answer = () => ({ NodeNameToMetaVictims: { a: { Pods: [{ UID: 'nobody' }] } } });
  await assert.rejects(
    agreedBy([extender], aPod('p'), plans, { find, signal }),
    /claims to preempt pod \(UID: &\{nobody/,
  );
  answer = () => ({ NodeNameToMetaVictims: { c: { Pods: [] } } });
  await assert.rejects(agreedBy([extender], aPod('p'), plans, { find, signal }), /node "c" not found/);
});

test('an extender that may be ignored and fails changes nothing', async () => {
  using extender = closing(anExtender({ preemptVerb: 'preempt', ignorable: true }));
  answer = () => ({ NodeNameToMetaVictims: { c: { Pods: [] } } });
  const plans = [{ node: 'a', victims: [] }];
  const agreed = await agreedBy([extender], aPod('p'), plans, { find: () => undefined, signal });
  assert.deepEqual(agreed, plans);
});

function closing(extender: Extender): Extender & Disposable {
  return Object.assign(extender, { [Symbol.dispose]: () => extender.close() });
}
