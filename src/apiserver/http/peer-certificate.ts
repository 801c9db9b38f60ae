// Whose certificate a client has shown: that of a user, or of a front proxy. Which authority signed it decides, so that
// neither can pass for the other.
import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { TlsOptions } from './listen.ts';

export interface Peer {
  readonly role: 'user' | 'front proxy';
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** SHA-256 of the certificate, in hexadecimal digits. */
  readonly fingerprint: string;
}

export type IdentifyPeer = (socket: TLSSocket | undefined) => Peer | undefined;

const maxChain = 10;

/** Reading a certificate is dear, and a connection has the same one all its life. */
export function peerIdentifier({
  clientCa,
  requestHeaderCa,
}: Pick<TlsOptions, 'clientCa' | 'requestHeaderCa'>): IdentifyPeer {
  const known = new WeakMap<TLSSocket, Peer | undefined>();
  const proxyAuthorities = requestHeaderCa === undefined ? [] : authoritiesIn(requestHeaderCa);
  const userAuthorities = authoritiesIn(clientCa);
  return (socket) => {
    if (!socket?.authorized) return undefined;
    if (known.has(socket)) return known.get(socket);
    const peer = identify(socket, userAuthorities, proxyAuthorities);
    known.set(socket, peer);
    return peer;
  };
}

function authoritiesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function identify(
  socket: TLSSocket,
  users: readonly X509Certificate[],
  proxies: readonly X509Certificate[],
): Peer | undefined {
  const subject = socket.getPeerCertificate?.().subject;
  if (!subject) return undefined;
  const commonName = firstOf(subject.CN);
  const organizations = listOf(subject.O);
  let link = socket.getPeerX509Certificate?.();
  const fingerprint = (link?.fingerprint256 ?? '').replaceAll(':', '').toLowerCase();
  for (let depth = 0; link && depth < maxChain; depth++) {
    if (isSignedByAny(link, users)) return { role: 'user', commonName, organizations, fingerprint };
    if (isSignedByAny(link, proxies)) return { role: 'front proxy', commonName, organizations: [], fingerprint };
    link = link.issuerCertificate;
  }
  return undefined;
}

const isSignedByAny = (certificate: X509Certificate, authorities: readonly X509Certificate[]): boolean =>
  authorities.some((authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey));

function firstOf(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

function listOf(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
