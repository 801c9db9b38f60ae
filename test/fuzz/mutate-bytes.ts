// Bytes that were right once: bits turned, pieces cut, doubled and swapped, lengths and signs made extreme.
import type { Random } from '../../src/base/random.ts';
import { below, chance, pick } from './target.ts';

const oddBytes = [
  0x00, 0x01, 0x7f, 0x80, 0xff, 0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a, 0x0a, 0x2a, 0x26, 0xc0, 0xed,
];

/** A few changes; `other` lends pieces. */
export function mutatedBytes(random: Random, source: Uint8Array, other: Uint8Array = source): Buffer {
  let bytes = Buffer.from(source);
  for (let changes = 1 + below(random, 6); changes > 0; changes--) bytes = changed(random, bytes, other);
  return bytes;
}

function changed(random: Random, bytes: Buffer<ArrayBuffer>, other: Uint8Array): Buffer<ArrayBuffer> {
  if (bytes.length === 0) return Buffer.from([pick(random, oddBytes)]);
  const from = below(random, bytes.length);
  const to = Math.min(bytes.length, from + 1 + below(random, chance(random, 0.8) ? 8 : 200));
  switch (below(random, 7)) {
    case 0:
      bytes[from]! ^= 1 << below(random, 8);
      return bytes;
    case 1:
      bytes[from] = pick(random, oddBytes);
      return bytes;
    case 2:
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, from), Buffer.from([pick(random, oddBytes)]), bytes.subarray(from)]);
    case 5: {
      const at = below(random, other.length + 1);
      const piece = other.subarray(at, at + 1 + below(random, 60));
      return Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(to)]);
    }
    default:
      return chance(random, 0.1) ? bytes.subarray(0, from) : bytes;
  }
}
