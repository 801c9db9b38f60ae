// Decides what becomes of an event. The figures are those of upstream's recorder, which users know from `describe`.
import type { ObjectReference } from '../../generated/core-v1.ts';
import { LruMap } from './lru-map.ts';

export interface Correlatable {
  readonly component: string;
  readonly about: ObjectReference;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

export interface Correlation<E> {
  readonly message: string;
  /** The event that was written for the same thing before: count it up. */
  readonly known: E | undefined;
  remember(written: E): void;
}

/** Events of one object and source: 25 at once, then one in five minutes. */
const burst = 25;
const refillPerMs = 1 / 300_000;
/** From so many different messages of one reason within ten minutes on, they are one line. */
const maxSimilar = 10;
const similarWindowMs = 600_000;
const maxRemembered = 4096;

interface Similar {
  messages: Set<string>;
  lastMs: number;
}

export class EventCorrelator<E> {
  readonly #tokens = new LruMap<string, { tokens: number; atMs: number }>(maxRemembered);
  readonly #similar = new LruMap<string, Similar>(maxRemembered);
  readonly #written = new LruMap<string, E>(maxRemembered);

  /** Undefined: this event is one too many. */
  correlate(event: Correlatable, nowMs: number): Correlation<E> | undefined {
    const { about } = event;
    const object = [about.kind, about.namespace, about.name, about.uid, about.apiVersion].join('\u0000');
    const source = `${event.component}\u0000${object}`;
    if (!this.#admit(source, nowMs)) return undefined;
    const group = [source, about.fieldPath, event.type, event.reason].join('\u0000');
    const isOneOfMany = this.#countSimilar(group, event.message, nowMs) >= maxSimilar;
    const message = isOneOfMany ? `(combined from similar events): ${event.message}` : event.message;
    const key = isOneOfMany ? group : `${group}\u0000${event.message}`;
    return { message, known: this.#written.get(key), remember: (written) => this.#written.set(key, written) };
  }

  #admit(source: string, nowMs: number): boolean {
    const bucket = this.#tokens.get(source) ?? { tokens: burst, atMs: nowMs };
    const tokens = Math.min(burst, bucket.tokens + (nowMs - bucket.atMs) * refillPerMs);
    const isAdmitted = tokens >= 1;
    this.#tokens.set(source, { tokens: isAdmitted ? tokens - 1 : tokens, atMs: nowMs });
    return isAdmitted;
  }

  #countSimilar(group: string, message: string, nowMs: number): number {
    let similar = this.#similar.get(group);
    if (!similar || nowMs - similar.lastMs > similarWindowMs) similar = { messages: new Set(), lastMs: nowMs };
    similar.lastMs = nowMs;
    // Past the limit the number no longer matters: the set stays small.
    if (similar.messages.size < maxSimilar) similar.messages.add(message);
    this.#similar.set(group, similar);
    return similar.messages.size;
  }
}
