import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import test, { after, before } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { systemClock } from '../base/clock.ts';
import { certificateAlgorithm, loadX509, newCertificateKeys } from '../base/x509.ts';
import { createHttpsTransport } from './https-transport.ts';

let certificate: { cert: string; key: string };
const closing: (() => void)[] = [];

before(async () => {
  const x509 = await loadX509();
  const { keys, pem } = await newCertificateKeys();
  const self = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=server',
    keys,
    signingAlgorithm: certificateAlgorithm,
    notAfter: new Date(Date.now() + 3_600_000),
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
  });
  certificate = { cert: self.toString('pem'), key: pem };
});
after(() => {
  for (const close of closing) close();
});

/** Answers every request with its name. */
async function aServer(name: string) {
  const sessions = new Set<ServerHttp2Session>();
  const server: Http2SecureServer = createSecureServer(certificate, (request, response) => {
    request.resume();
    request.on('end', () => response.end(name));
  });
  server.on('session', (session) => sessions.add(session));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    for (const session of sessions) session.destroy();
    server.close();
  };
  closing.push(stop);
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

async function ask(transport: ReturnType<typeof createHttpsTransport>): Promise<string> {
  const answer = await transport.request({ method: 'POST', path: '/', headers: {}, body: Buffer.from('{}') });
  await setImmediate(); // whoever reads may have something else to do first
  return Buffer.from(await answer.bytes()).toString();
}

test('short answers to many requests at once are all read', async () => {
  const { url } = await aServer('one');
  await using transport = createHttpsTransport({ server: url, ca: certificate.cert, clock: systemClock });
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(transport)));
    assert.deepEqual([...new Set(answers)], ['one']);
  }
});

test('of several servers the next is asked when one is away, and asked on while it answers', async () => {
  const [one, two] = [await aServer('one'), await aServer('two')];
  let known = [one.url];
  await using transport = createHttpsTransport({ server: () => known, ca: certificate.cert, clock: systemClock });
  assert.equal(await ask(transport), 'one');
  known = [one.url, two.url]; // the second is learned later
  assert.equal(await ask(transport), 'one');
  one.stop();
  const untilTwo = async (left: number): Promise<string> =>
    ask(transport).catch((error) => (left > 0 ? untilTwo(left - 1) : Promise.reject(error)));
  assert.equal(await untilTwo(10), 'two');
  assert.equal(await ask(transport), 'two');
});
