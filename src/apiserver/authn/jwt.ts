// JSON Web Tokens as the API server makes and takes them: RS256 and ES256, nothing else. No algorithm is ever taken
// from the token: the key says which one it is for.
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

type Algorithm = 'RS256' | 'ES256';

export interface VerifyingKey {
  readonly id: string;
  readonly algorithm: Algorithm;
  readonly publicKey: KeyObject;
}

export interface SigningKey extends VerifyingKey {
  readonly privateKey: KeyObject;
}

const maxTokenLength = 16 << 10;

export function signingKey(privatePem: string | Buffer): SigningKey {
  const privateKey = createPrivateKey(privatePem);
  return { ...verifyingKey(createPublicKey(privateKey)), privateKey };
}

/** From a public or a private key. */
export function verifyingKey(key: string | Buffer | KeyObject): VerifyingKey {
  const publicKey =
    typeof key === 'object' && 'type' in key && key.type === 'public' ? key : createPublicKey(key as string);
  const id = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
  return { id, algorithm: algorithmOf(publicKey), publicKey };
}

function algorithmOf(key: KeyObject): Algorithm {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  throw new Error(`keys of service account tokens are RSA or ECDSA P-256, got ${key.asymmetricKeyType}`);
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** IEEE P1363 is the form of ECDSA signatures in a JWT; RSA ignores it. */
const withEncoding = (key: KeyObject) => ({ key, dsaEncoding: 'ieee-p1363' as const });

export function signToken(key: SigningKey, claims: object): string {
  const body = `${encode({ alg: key.algorithm, kid: key.id })}.${encode(claims)}`;
  return `${body}.${sign('sha256', Buffer.from(body), withEncoding(key.privateKey)).toString('base64url')}`;
}

/** The claims, unverified; undefined for what is not a JWT with an object in it. */
export function readClaims(token: string): Record<string, unknown> | undefined {
  return readPart(token, 1);
}

/** The claims, when one of the keys has signed them. */
export function verifyToken(token: string, keys: readonly VerifyingKey[]): Record<string, unknown> | undefined {
  const header = readPart(token, 0);
  if (!header) return undefined;
  const end = token.lastIndexOf('.');
  const body = Buffer.from(token.slice(0, end));
  const signature = Buffer.from(token.slice(end + 1), 'base64url');
  for (const key of keys) {
    if (header['alg'] !== key.algorithm || (header['kid'] !== undefined && header['kid'] !== key.id)) continue;
    if (verify('sha256', body, withEncoding(key.publicKey), signature)) return readPart(token, 1);
  }
  return undefined;
}

function readPart(token: string, position: 0 | 1): Record<string, unknown> | undefined {
  if (token.length > maxTokenLength) return undefined;
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(parts[position]!, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined; // not JSON: somebody else's token
  }
}

/** The public keys as a JSON Web Key Set. */
export function keySet(keys: readonly VerifyingKey[]): object {
  return {
    keys: keys.map((key) => {
      const { kty, n, e, crv, x, y } = key.publicKey.export({ format: 'jwk' });
      const common = { use: 'sig', kty, kid: key.id };
      return key.algorithm === 'RS256' ? { ...common, alg: 'RS256', n, e } : { ...common, crv, alg: 'ES256', x, y };
    }),
  };
}
