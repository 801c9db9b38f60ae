// The ciphers of encryption at rest. A value is bound to its key where the cipher can do that: moved to another key it does
// not open. Stored values look as upstream's: `k8s:enc:CIPHER:v1:KEYNAME:` and the cipher's own bytes.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { EncryptionKey, ProviderType } from './configuration.ts';

export interface Cipher {
  seal(plain: Uint8Array, boundTo: string): Uint8Array;
  /** @throws when it was not sealed with this key, for this place */
  open(sealed: Uint8Array, boundTo: string): Uint8Array;
  /** Undefined: `open` may be called. Else it may when this has settled. @throws when it never may */
  prepare?(sealed: Uint8Array): Promise<void> | undefined;
  /** Sealed by it, yet not as it would be today. */
  isStale?(sealed: Uint8Array): boolean;
  /** Why it cannot be relied on, for those who can fail. */
  readonly problem?: string | undefined;
  close?(): void;
}

export async function createCipher(type: ProviderType, key: EncryptionKey): Promise<Cipher> {
  switch (type) {
    case 'aesgcm':
      return aesGcm(key.secret);
    case 'aescbc':
      return aesCbc(key.secret);
    case 'secretbox':
      return secretBox(key.secret);
    case 'identity':
    case 'kms':
      throw new Error(`${type} has no key here`);
  }
}

const nonceBytes = 12;
const tagBytes = 16;

function aesGcm(secret: Buffer): Cipher {
  const name = `aes-${(secret.length * 8) as 128 | 192 | 256}-gcm` as const;
  return {
    seal(plain, boundTo) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(name, secret, nonce, { authTagLength: tagBytes });
      cipher.setAAD(Buffer.from(boundTo));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, boundTo) {
      if (sealed.length < nonceBytes + tagBytes) throw new Error('the stored data was shorter than the required size');
      const nonce = sealed.subarray(0, nonceBytes);
      const decipher = createDecipheriv(name, secret, nonce, { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(boundTo));
      decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
      const body = decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes));
      try {
        return Buffer.concat([body, decipher.final()]);
      } catch {
        throw new Error('cipher: message authentication failed');
      }
    },
  };
}

const blockBytes = 16;

/** Kept for clusters that have it: it neither notices changes nor is bound to a place. */
function aesCbc(secret: Buffer): Cipher {
  const name = `aes-${secret.length * 8}-cbc`;
  return {
    seal(plain) {
      const start = randomBytes(blockBytes);
      const cipher = createCipheriv(name, secret, start);
      return Buffer.concat([start, cipher.update(plain), cipher.final()]);
    },
    open(sealed) {
      if (sealed.length < 2 * blockBytes) throw new Error('the stored data was shorter than the required size');
      const decipher = createDecipheriv(name, secret, sealed.subarray(0, blockBytes));
      try {
        return Buffer.concat([decipher.update(sealed.subarray(blockBytes)), decipher.final()]);
      } catch {
        throw new Error('invalid padding on input');
      }
    },
  };
}

const boxNonceBytes = 24;

async function secretBox(secret: Buffer): Promise<Cipher> {
  const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js');
  return {
    seal(plain) {
      const nonce = randomBytes(boxNonceBytes);
      return Buffer.concat([nonce, xsalsa20poly1305(secret, nonce).encrypt(plain)]);
    },
    open(sealed) {
      if (sealed.length < boxNonceBytes + tagBytes) {
        throw new Error('the stored data was shorter than the required size');
      }
      try {
        return xsalsa20poly1305(secret, sealed.subarray(0, boxNonceBytes)).decrypt(sealed.subarray(boxNonceBytes));
      } catch {
        throw new Error('secretbox: message authentication failed');
      }
    },
  };
}
