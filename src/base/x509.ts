// What everybody who issues or reads certificates needs. The library is loaded on its first use: an ordinary start has none.
import { createPrivateKey, webcrypto } from 'node:crypto';

/** ECDSA P-256, the one kind of key that certificates are issued with. */
export const certificateAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export async function loadX509() {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as never);
  return x509;
}

/** A fresh pair of keys, and the private one as PEM. */
export async function newCertificateKeys(): Promise<{ keys: webcrypto.CryptoKeyPair; pem: string }> {
  const made = await webcrypto.subtle.generateKey(certificateAlgorithm, true, ['sign', 'verify']);
  const keys = made as webcrypto.CryptoKeyPair;
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return { keys, pem: key.export({ type: 'pkcs8', format: 'pem' }) as string };
}

/** @param pem an authority's private key */
export function importSigningKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der as Uint8Array<ArrayBuffer>, certificateAlgorithm, false, ['sign']);
}

/** 16 random bytes in hex, positive as a number and never shorter. */
export function certificateSerial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}
