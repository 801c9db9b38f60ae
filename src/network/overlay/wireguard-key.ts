// A node's own key for WireGuard. The private half is in a file of the node and nowhere else: neither in arguments nor in logs.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';

/** What stands before the 32 bytes of such a key in PKCS #8. */
const prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const keyBytes = 32;

/** 32 bytes in base64: what `wg` takes and nothing else. */
export const isWireGuardKey = (text: string): boolean => /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text);

/** The public half; makes the key where there is none, or none that can be read. */
export async function ensureWireGuardKey(file: string): Promise<string> {
  const known = (await readFile(file, 'utf8').catch(() => '')).trim();
  return publicHalf(isWireGuardKey(known) ? known : await makeKey(file));
}

async function makeKey(file: string): Promise<string> {
  const { d } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  const key = Buffer.from(d!, 'base64url').toString('base64');
  await rm(`${file}.new`, { force: true });
  await writeFile(`${file}.new`, `${key}\n`, { mode: 0o600, flag: 'wx' });
  await rename(`${file}.new`, file);
  return key;
}

function publicHalf(key: string): string {
  const der = Buffer.concat([prefix, Buffer.from(key, 'base64').subarray(0, keyBytes)]);
  const { x } = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' });
  return Buffer.from(x!, 'base64url').toString('base64');
}
