// Walks over the records of a message without decoding them, to find where their times to live stand.

import { skipName } from './message.ts';

const optType = 41;
const soaType = 6;

export interface FoundTtls {
  /** Where the TTL fields are, those of OPT left out (there it means something else). */
  readonly offsets: readonly number[];
  /** How long the whole may be kept: its shortest TTL; for an empty answer what its SOA says. */
  readonly lifeSeconds: number;
}

/** Undefined for a message that does not hold what its counts say. */
export function findTtls(bytes: Buffer): FoundTtls | undefined {
  try {
    let offset = 12;
    for (let i = bytes.readUInt16BE(4); i > 0; i--) offset = skipName(bytes, offset) + 4;
    const answers = bytes.readUInt16BE(6);
    const total = answers + bytes.readUInt16BE(8) + bytes.readUInt16BE(10);
    const offsets: number[] = [];
    let lifeSeconds = Number.POSITIVE_INFINITY;
    for (let i = 0; i < total; i++) {
      offset = skipName(bytes, offset);
      const type = bytes.readUInt16BE(offset);
      const ttl = bytes.readUInt32BE(offset + 4);
      const dataLength = bytes.readUInt16BE(offset + 8);
      const end = offset + 10 + dataLength;
      if (end > bytes.length) return undefined;
      if (type !== optType) {
        offsets.push(offset + 4);
        if (i < answers) lifeSeconds = Math.min(lifeSeconds, ttl);
        // The last number of an SOA: how long "no" holds.
        if (answers === 0 && type === soaType && dataLength >= 4) {
          lifeSeconds = Math.min(lifeSeconds, ttl, bytes.readUInt32BE(end - 4));
        }
      }
      offset = end;
    }
    return { offsets, lifeSeconds: Number.isFinite(lifeSeconds) ? lifeSeconds : 0 };
  } catch {
    return undefined; // ran past the end
  }
}
