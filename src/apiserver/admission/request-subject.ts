// Whom a certificate signing request speaks of. The X.509 library is loaded only when one comes.
import { loadX509 } from '../../base/x509.ts';
import type { AdmissionRequest } from './plugin.ts';
import { refuse } from './refuse.ts';

export interface RequestSubject {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

/** `base64`: `spec.request`, a PEM. @throws Forbidden for what is no such request */
export async function requestSubject(request: AdmissionRequest, base64: string): Promise<RequestSubject> {
  const { Pkcs10CertificateRequest } = await loadX509();
  try {
    const subject = new Pkcs10CertificateRequest(Buffer.from(base64, 'base64').toString()).subjectName;
    return { commonName: subject.getField('CN')[0] ?? '', organizations: subject.getField('O') };
  } catch {
    throw refuse(request, 'unable to parse csr');
  }
}
