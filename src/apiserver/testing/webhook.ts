// A webhook for tests: real TLS, every call is kept, and the test says what it answers.
import { createPrivateKey, webcrypto } from 'node:crypto';
import { certificateAlgorithm, loadX509 } from '../../base/x509.ts';
import { httpsServer, type ServingCertificate, type TestHandler } from './https-server.ts';

let certificate: Promise<ServingCertificate> | undefined;

/** Its own authority; one for all tests of a file, since making keys is slow. */
export function servingCertificate(): Promise<ServingCertificate> {
  certificate ??= makeCertificate();
  return certificate;
}

async function makeCertificate(): Promise<ServingCertificate> {
  const x509 = await loadX509();
  const keys = (await webcrypto.subtle.generateKey(certificateAlgorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const names = new x509.SubjectAlternativeNameExtension([
    { type: 'ip', value: '127.0.0.1' },
    { type: 'dns', value: 'localhost' },
    { type: 'dns', value: 'hook.default.svc' },
  ]);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=hook',
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: certificateAlgorithm,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true), names],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const cert = made.toString('pem');
  return { cert, key: key.export({ type: 'pkcs8', format: 'pem' }) as string, ca: cert };
}

export interface TestWebhook extends AsyncDisposable {
  readonly port: number;
  readonly caBundle: string;
  /** `request` of each review, by its path. */
  readonly calls: { readonly path: string; readonly review: any }[];
  /** A `clientConfig` that leads to a path here. */
  at(path: string): object;
}

/** What a handler returns is the `response`, to which the uid is added; it may also answer by itself. */
export async function testWebhook(
  answer: (review: any, path: string, ...rest: Parameters<TestHandler>) => unknown,
): Promise<TestWebhook> {
  const calls: { path: string; review: any }[] = [];
  const server = await httpsServer(await servingCertificate(), async (request, body, response) => {
    const review = JSON.parse(body.toString());
    const path = request.url!.split('?')[0]!;
    calls.push({ path, review });
    const made = (await answer(review, path, request, body, response)) as object | undefined;
    if (!made) return undefined as never;
    return { kind: review.kind, apiVersion: review.apiVersion, response: { uid: review.request.uid, ...made } };
  });
  return {
    port: server.port,
    caBundle: server.caBundle,
    calls,
    at: (path) => ({ url: `https://127.0.0.1:${server.port}${path}`, caBundle: server.caBundle }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

export const jsonPatch = (...operations: object[]): object => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});
