// Answers of other servers, kept as bytes for as long as their records say, at most half a minute. Bounded: the oldest
// makes room.
import type { Clock } from '../../base/clock.ts';
import { findTtls } from './ttl-offsets.ts';

interface Entry {
  readonly bytes: Buffer;
  readonly ttlOffsets: readonly number[];
  readonly storedAtMs: number;
  readonly lifeMs: number;
}

export interface CachedAnswer {
  /** A copy, with its records' times counted down. */
  readonly bytes: Buffer;
  /** For how much longer it may be said. */
  readonly lifeMs: number;
  /** Said before: it may well be asked for again. */
  readonly isKnown?: boolean;
}

const maxLifeSeconds = 30;
const failureLifeSeconds = 2;

export class AnswerCache {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  readonly #maxEntries: number;

  constructor(clock: Clock, maxEntries = 4096) {
    this.#clock = clock;
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  find(key: string): CachedAnswer | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    const ageMs = this.#clock.monotonicMs() - entry.storedAtMs;
    if (ageMs >= entry.lifeMs) {
      this.#entries.delete(key);
      return undefined;
    }
    const bytes = Buffer.from(entry.bytes);
    for (const offset of entry.ttlOffsets) {
      const ttl = bytes.readUInt32BE(offset);
      bytes.writeUInt32BE(Math.max(0, ttl - Math.floor(ageMs / 1000)), offset);
    }
    return { bytes, lifeMs: entry.lifeMs - ageMs, isKnown: true };
  }

  /** Keeps an answer; those that are cut short or cannot be read are not kept. */
  put(key: string, bytes: Buffer): void {
    const isTruncated = (bytes.readUInt16BE(2) & 0x0200) !== 0;
    const rcode = bytes[3]! & 15;
    const found = findTtls(bytes);
    if (isTruncated || !found) return;
    const isAnswer = rcode === 0 || rcode === 3;
    const seconds = isAnswer ? Math.min(found.lifeSeconds, maxLifeSeconds) : failureLifeSeconds;
    if (seconds <= 0) return;
    if (this.#entries.size >= this.#maxEntries) this.#entries.delete(this.#entries.keys().next().value!);
    this.#entries.delete(key);
    const storedAtMs = this.#clock.monotonicMs();
    this.#entries.set(key, { bytes, ttlOffsets: found.offsets, storedAtMs, lifeMs: seconds * 1000 });
  }

  clear(): void {
    this.#entries.clear();
  }
}
