// Reading PKCS#10 requests. The library is loaded with the first one: most clusters never see any.

import type { CertificateSigningRequest } from '../../../generated/certificates-v1.ts';
import { loadX509 } from '../../base/x509.ts';

export interface RequestedNames {
  readonly dns: readonly string[];
  readonly email: readonly string[];
  readonly ip: readonly string[];
  readonly url: readonly string[];
}

export interface RequestedCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly names: RequestedNames;
  readonly der: Buffer;
}

/** @throws Error for what is no request */
export async function parseRequest({ spec }: CertificateSigningRequest): Promise<RequestedCertificate> {
  const pem = Buffer.from(spec.request ?? '', 'base64').toString('latin1');
  const body = /-----BEGIN CERTIFICATE REQUEST-----([\s\S]*?)-----END CERTIFICATE REQUEST-----/.exec(pem)?.[1];
  if (body === undefined) throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const der = Buffer.from(body, 'base64');
  const x509 = await loadX509();
  const request = new x509.Pkcs10CertificateRequest(der);
  const extension = request.extensions.find((each) => each instanceof x509.SubjectAlternativeNameExtension);
  const names = extension?.names.items ?? [];
  const ofType = (type: string) => names.filter((name) => name.type === type).map(({ value }) => value);
  return {
    commonName: request.subjectName.getField('CN').at(-1) ?? '',
    organizations: request.subjectName.getField('O'),
    names: { dns: ofType('dns'), email: ofType('email'), ip: ofType('ip'), url: ofType('url') },
    der,
  };
}

/** A condition that is set and true. */
export const hasCondition = ({ status }: CertificateSigningRequest, type: string): boolean =>
  status?.conditions?.some((condition) => condition.type === type && condition.status !== 'False') ?? false;
