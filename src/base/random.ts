// Chance is passed in, so that a run can be repeated from its seed. Only main files name `systemRandom`.
import { randomBytes, randomFillSync } from 'node:crypto';

export interface Random {
  /** A number in [0, 1). */
  next(): number;
  bytes(count: number): Uint8Array;
}

const pool = new Uint32Array(1024);
let used = pool.length;

/** Asking the kernel for a few bytes costs as much as for many. Bytes are handed out once. */
const bytePool = Buffer.alloc(4096);
let usedBytes = bytePool.length;
const maxPooledBytes = 64;

function pooledBytes(count: number): Uint8Array {
  if (usedBytes + count > bytePool.length) {
    randomFillSync(bytePool);
    usedBytes = 0;
  }
  const bytes = Uint8Array.prototype.slice.call(bytePool, usedBytes, usedBytes + count);
  bytePool.fill(0, usedBytes, usedBytes + count);
  usedBytes += count;
  return bytes;
}

export const systemRandom: Random = {
  next() {
    if (used >= pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    return pool[used++]! / 2 ** 32;
  },
  bytes: (count) => (count <= maxPooledBytes ? pooledBytes(count) : randomBytes(count)),
};

/** Mulberry32: small, fast, repeatable. Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)) };
}

/** A version 4 UUID. */
export function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** The random part of a generated name: no vowels and nothing that reads as another character. */
export function nameSuffix(random: Random, length = 5): string {
  let suffix = '';
  for (let index = 0; index < length; index++)
    suffix += suffixAlphabet[Math.floor(random.next() * suffixAlphabet.length)];
  return suffix;
}
