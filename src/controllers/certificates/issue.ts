// A certificate out of a request, signed by the cluster's authority.
import { certificateAlgorithm, certificateSerial, importSigningKey, loadX509 } from '../../base/x509.ts';
import type { RequestedCertificate } from './certificate-request.ts';

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface IssueOptions {
  readonly usages: readonly string[];
  /** Of the request; absent: as long as this signer signs for. */
  readonly expirationSeconds: number | undefined;
  /** Default: a year. */
  readonly longestSeconds?: number | undefined;
  readonly nowMs: number;
}

const minuteMs = 60_000;
const usualSeconds = 365 * 24 * 3600;
const shortestMs = 10 * minuteMs;
const backdateMs = 5 * minuteMs;
/** Below it the end is not moved back together with the beginning. */
const shortLivedMs = 8 * 60 * minuteMs;

/** Bits of RFC 5280's KeyUsage. */
const keyUsages: Readonly<Record<string, number>> = {
  signing: 1,
  'digital signature': 1,
  'content commitment': 2,
  'key encipherment': 4,
  'data encipherment': 8,
  'key agreement': 16,
  'cert sign': 32,
  'crl sign': 64,
  'encipher only': 128,
  'decipher only': 256,
};

const pkix = '1.3.6.1.5.5.7.3';
const extendedUsages: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': `${pkix}.1`,
  'client auth': `${pkix}.2`,
  'code signing': `${pkix}.3`,
  'email protection': `${pkix}.4`,
  's/mime': `${pkix}.4`,
  'ipsec end system': `${pkix}.5`,
  'ipsec tunnel': `${pkix}.6`,
  'ipsec user': `${pkix}.7`,
  timestamping: `${pkix}.8`,
  'ocsp signing': `${pkix}.9`,
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};

/** From when until when; never longer than the authority itself. */
export function validity(
  { expirationSeconds, longestSeconds = usualSeconds, nowMs }: IssueOptions,
  authorityEndMs: number,
): { notBefore: Date; notAfter: Date } {
  const longestMs = longestSeconds * 1000;
  const askedMs = expirationSeconds === undefined ? longestMs : Math.max(shortestMs, expirationSeconds * 1000);
  const lifeMs = Math.min(askedMs, longestMs);
  const endMs = nowMs + (lifeMs < shortLivedMs ? lifeMs : lifeMs - backdateMs);
  if (nowMs >= authorityEndMs) throw new Error('the authority of the cluster has expired');
  return { notBefore: new Date(nowMs - backdateMs), notAfter: new Date(Math.min(endMs, authorityEndMs)) };
}

/** PEM. @throws Error when the request's own signature is wrong */
export async function issue(
  request: RequestedCertificate,
  authority: Authority,
  options: IssueOptions,
): Promise<string> {
  const x509 = await loadX509();
  const asked = new x509.Pkcs10CertificateRequest(request.der);
  if (!(await asked.verify())) throw new Error('the signature of the certificate request is wrong');
  const issuer = new x509.X509Certificate(authority.certificate);
  const bits = options.usages.reduce((all, usage) => all | (keyUsages[usage] ?? 0), 0);
  const extended = [...new Set(options.usages.flatMap((usage) => extendedUsages[usage] ?? []))];
  const { dns, email, ip, url } = request.names;
  const names = [
    ...dns.map((value) => ({ type: 'dns' as const, value })),
    ...email.map((value) => ({ type: 'email' as const, value })),
    ...ip.map((value) => ({ type: 'ip' as const, value })),
    ...url.map((value) => ({ type: 'url' as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: certificateSerial(),
    subject: asked.subjectName,
    issuer: issuer.subjectName,
    ...validity(options, issuer.notAfter.getTime()),
    signingKey: await importSigningKey(authority.key),
    signingAlgorithm: certificateAlgorithm,
    publicKey: asked.publicKey,
    extensions: [
      ...(bits ? [new x509.KeyUsagesExtension(bits, true)] : []),
      ...(extended.length > 0 ? [new x509.ExtendedKeyUsageExtension(extended)] : []),
      new x509.BasicConstraintsExtension(false, undefined, true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}
