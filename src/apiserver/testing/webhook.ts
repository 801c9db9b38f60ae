// A webhook for tests: real TLS, every call is kept, and the test says what it answers.
import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPki } from '../../cluster/pki.ts';
import { httpsServer, type ServingCertificate, type TestHandler } from './https-server.ts';

let certificate: Promise<ServingCertificate> | undefined;

/** One for all tests of a file: making keys is slow. */
export function servingCertificate(): Promise<ServingCertificate> {
  certificate ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'coracle-webhook-'));
    const pki = await openPki(folder, Date.now());
    const hosts = ['127.0.0.1', 'localhost', 'hook.default.svc'];
    const made = await pki.ensure({ file: 'serving', commonName: 'hook', hosts });
    rmSync(folder, { recursive: true, force: true });
    return { cert: made.certificate, key: made.key, ca: pki.ca };
  })();
  return certificate;
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
