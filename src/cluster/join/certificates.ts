// Certificates of a joined node: asked of the cluster with a request, since the authority's key is not here; and asked
// again before they end.
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { CertificateSigningRequest } from '../../../generated/certificates-v1.ts';
import { certificateSigningRequestKind } from '../../../generated/kinds.ts';
import type { Clock } from '../../base/clock.ts';
import { writeDurably } from '../../base/durable-file.ts';
import { certificateAlgorithm, loadX509, newCertificateKeys } from '../../base/x509.ts';
import type { Client } from '../../client/client.ts';
import { exitCodes, UserFailure } from '../failure.ts';

export interface WantedCertificate {
  /** Of its files, without the ending. */
  readonly file: string;
  readonly commonName: string;
  readonly organization?: string;
  /** Names and addresses to serve. */
  readonly hosts?: readonly string[];
  readonly signerName: CertificateSigningRequest['spec']['signerName'];
}

export function wantedCertificates(
  nodeName: string,
  address: string,
): Record<'client' | 'serving' | 'proxy', WantedCertificate> {
  const commonName = `system:node:${nodeName}`;
  const organization = 'system:nodes';
  return {
    client: {
      file: 'node-client',
      commonName,
      organization,
      signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
    },
    serving: {
      file: 'node-serving',
      commonName,
      organization,
      hosts: [nodeName, address],
      signerName: 'kubernetes.io/kubelet-serving',
    },
    proxy: {
      file: 'node-proxy',
      commonName: 'system:kube-proxy',
      signerName: 'kubernetes.io/kube-apiserver-client',
    },
  };
}

const patienceMs = 30_000;
const pollMs = 100;

/** Asks, waits until it is approved and signed, and keeps it. @throws UserFailure when it is denied or nobody signs */
export async function obtainCertificate(
  client: Client,
  folder: string,
  wanted: WantedCertificate,
  clock: Clock,
): Promise<void> {
  const { pem, key } = await makeRequest(wanted);
  const requests = client.resource(certificateSigningRequestKind);
  const { metadata } = await requests.create({
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { generateName: 'node-csr-' },
    spec: {
      request: Buffer.from(pem).toString('base64'),
      signerName: wanted.signerName,
      usages: ['digital signature', wanted.hosts ? 'server auth' : 'client auth'],
    },
  });
  const deadline = clock.monotonicMs() + patienceMs;
  while (clock.monotonicMs() < deadline) {
    const { status } = await requests.get({ namespace: '', name: metadata.name });
    const refused = status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
    if (refused) throw notIssued(metadata.name, `${refused.type}: ${refused.message ?? ''}`);
    if (status?.certificate)
      return keepPair(folder, wanted.file, Buffer.from(status.certificate, 'base64').toString(), key);
    await clock.sleep(pollMs);
  }
  throw notIssued(metadata.name, 'nobody approved it in time');
}

function notIssued(name: string, reason: string): UserFailure {
  const remedy = `see it on the cluster: kubectl describe csr ${name}`;
  return new UserFailure(exitCodes.permission, 'E_CERTIFICATE', `certificate request ${name}: ${reason}`, remedy);
}

async function makeRequest({
  commonName,
  organization,
  hosts = [],
}: WantedCertificate): Promise<{ pem: string; key: string }> {
  const x509 = await loadX509();
  const { keys, pem: key } = await newCertificateKeys();
  const names = hosts.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }));
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [...(organization ? [{ O: [organization] }] : []), { CN: [commonName] }],
    keys,
    signingAlgorithm: certificateAlgorithm,
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
  });
  return { pem: request.toString('pem'), key };
}

/** The token that they were asked for with may be spent: they are not to be lost. */
function keepPair(folder: string, file: string, certificate: string, key: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = (ending: string) => join(folder, `${file}.${ending}`);
  writeDurably(path('key'), key);
  writeDurably(path('crt'), certificate, 0o644);
}

/** When a certificate should be replaced: after two thirds of its life here. What it says of its beginning is earlier. */
export function renewalMs(folder: string, file: string): number {
  const path = join(folder, `${file}.crt`);
  const to = Date.parse(new X509Certificate(readFileSync(path)).validTo);
  const from = Math.min(statSync(path).mtimeMs, to);
  return from + ((to - from) * 2) / 3;
}
