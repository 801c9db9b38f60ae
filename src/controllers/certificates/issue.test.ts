import assert from 'node:assert/strict';
import { webcrypto, X509Certificate } from 'node:crypto';
import { before, describe, test } from 'node:test';
import type { CertificateSigningRequest } from '../../../generated/certificates-v1.ts';
import { loadX509 } from '../../base/x509.ts';
import { parseRequest } from './certificate-request.ts';
import { type Authority, issue, validity } from './issue.ts';
import { signerRules } from './signer-rules.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const nowMs = Date.UTC(2030, 0, 1);
const yearMs = 365 * 24 * 3600_000;
const nodeUsages = ['digital signature', 'client auth'];

interface Wanted {
  readonly name?: string;
  readonly dns?: readonly string[];
}

async function aRequest({ name = 'O=system:nodes, CN=system:node:n1', dns = [] }: Wanted) {
  const x509 = await loadX509();
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const names = dns.map((value) => ({ type: 'dns' as const, value }));
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys: keys as webcrypto.CryptoKeyPair,
    signingAlgorithm: algorithm,
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
  });
  const request = Buffer.from(csr.toString('pem')).toString('base64');
  return parseRequest({
    metadata: { name: 'r' },
    spec: { request, signerName: 's', usages: [] },
  } as unknown as CertificateSigningRequest);
}

let authority: Authority;
before(async () => {
  const x509 = await loadX509();
  x509.cryptoProvider.set(webcrypto as never);
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=authority',
    notBefore: new Date(nowMs - yearMs),
    notAfter: new Date(nowMs + 10 * yearMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  authority = {
    certificate: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`,
  };
});

test('a certificate has the names and uses that were asked for, and the authority behind it', async () => {
  const request = await aRequest({ name: 'O=team, CN=jane', dns: ['a.example'] });
  const pem = await issue(request, authority, {
    usages: ['digital signature', 'client auth'],
    expirationSeconds: 3600,
    nowMs,
  });
  const certificate = new X509Certificate(pem);
  assert.equal(certificate.subject, 'O=team\nCN=jane');
  assert.equal(certificate.subjectAltName, 'DNS:a.example');
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  assert.equal(certificate.ca, false);
  assert.equal(certificate.verify(new X509Certificate(authority.certificate).publicKey), true);
  assert.equal(Date.parse(certificate.validTo), nowMs + 3600_000);
});

test('a request that somebody else signed is refused', async () => {
  const [request, other] = [await aRequest({}), await aRequest({})];
  const der = Buffer.concat([request.der.subarray(0, -60), other.der.subarray(-60)]);
  await assert.rejects(
    issue({ ...request, der }, authority, { usages: nodeUsages, expirationSeconds: undefined, nowMs }),
  );
});

describe('validity', () => {
  for (const { name, expirationSeconds, hours } of [
    { name: 'is what was asked for', expirationSeconds: 3600, hours: 1 },
    { name: 'is a year at most', expirationSeconds: 10 * 365 * 86400, hours: 365 * 24 - 1 / 12 },
    { name: 'is a year when nothing was asked', expirationSeconds: undefined, hours: 365 * 24 - 1 / 12 },
    { name: 'is ten minutes at least', expirationSeconds: 1, hours: 1 / 6 },
  ]) {
    test(name, () => {
      const { notAfter } = validity({ usages: [], expirationSeconds, nowMs }, nowMs + 10 * yearMs);
      assert.equal(notAfter.getTime(), nowMs + hours * 3600_000);
    });
  }

  test('ends with the authority', () => {
    assert.equal(
      validity({ usages: [], expirationSeconds: undefined, nowMs }, nowMs + 5).notAfter.getTime(),
      nowMs + 5,
    );
  });
});

describe('a signer', () => {
  for (const { name, signer, wanted, usages, problem } of [
    {
      name: 'signs for a node',
      signer: 'kube-apiserver-client-kubelet',
      wanted: {},
      usages: nodeUsages,
      problem: undefined,
    },
    {
      name: 'signs for nodes only',
      signer: 'kube-apiserver-client-kubelet',
      wanted: { name: 'O=team, CN=jane' },
      usages: nodeUsages,
      problem: 'subject organization is not system:nodes',
    },
    {
      name: 'wants a name to serve by',
      signer: 'kubelet-serving',
      wanted: {},
      usages: ['digital signature', 'server auth'],
      problem: 'DNS or IP subjectAltName is required',
    },
    {
      name: 'names the uses it signs for',
      signer: 'kubelet-serving',
      wanted: { dns: ['n1'] },
      usages: nodeUsages,
      problem: 'usages did not match [digital signature key encipherment server auth]',
    },
    {
      name: 'refuses what is no use of a client',
      signer: 'kube-apiserver-client',
      wanted: {},
      usages: ['server auth'],
      problem: 'invalid usage for client certificate: server auth',
    },
  ]) {
    test(name, async () => {
      assert.equal(signerRules[`kubernetes.io/${signer}`]!(await aRequest(wanted), usages), problem);
    });
  }
});
