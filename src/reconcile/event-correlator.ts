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

/** What is one Event to those who read: counted up each time. */
export interface EventLine {
  /** How often it happened, with the times that were not told. */
  count: number;
  readonly firstMs: number;
  /** Of the Event, once it is written. */
  name?: string;
}

export interface Correlation {
  readonly line: EventLine;
  readonly message: string;
  /** This one is one too many: it is counted, and not told. */
  readonly isCut: boolean;
}

/** Events of one object, source and type: 25 at once, then one in five minutes. */
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

export class EventCorrelator {
  readonly #tokens = new LruMap<string, { tokens: number; atMs: number }>(maxRemembered);
  readonly #similar = new LruMap<string, Similar>(maxRemembered);
  readonly #lines = new LruMap<string, EventLine>(maxRemembered);

  correlate(event: Correlatable, nowMs: number): Correlation {
    const { about, component, type, reason, message } = event;
    const object = [about.kind, about.namespace, about.name, about.uid, about.apiVersion].join('\u0000');
    const source = `${component}\u0000${object}\u0000${type}`;
    const group = `${source}\u0000${reason}`;
    const isOneOfMany = this.#isOneOfMany(group, message, nowMs);
    const line = this.#lineOf(isOneOfMany ? group : [group, about.fieldPath, message].join('\u0000'), nowMs);
    line.count++;
    return {
      line,
      message: isOneOfMany ? `(combined from similar events): ${message}` : message,
      isCut: !this.#admit(source, nowMs),
    };
  }

  #lineOf(key: string, nowMs: number): EventLine {
    const known = this.#lines.get(key);
    if (known) return known;
    const line: EventLine = { count: 0, firstMs: nowMs };
    this.#lines.set(key, line);
    return line;
  }

  #admit(source: string, nowMs: number): boolean {
    const bucket = this.#tokens.get(source) ?? { tokens: burst, atMs: nowMs };
    const tokens = Math.min(burst, bucket.tokens + (nowMs - bucket.atMs) * refillPerMs);
    const isAdmitted = tokens >= 1;
    this.#tokens.set(source, { tokens: isAdmitted ? tokens - 1 : tokens, atMs: nowMs });
    return isAdmitted;
  }

  #isOneOfMany(group: string, message: string, nowMs: number): boolean {
    let similar = this.#similar.get(group);
    if (!similar || nowMs - similar.lastMs > similarWindowMs) similar = { messages: new Set(), lastMs: nowMs };
    similar.lastMs = nowMs;
    similar.messages.add(message);
    this.#similar.set(group, similar);
    if (similar.messages.size < maxSimilar) return false;
    // One is forgotten for each that came: those that are known yet go on having lines of their own.
    for (const oldest of similar.messages) {
      similar.messages.delete(oldest);
      break;
    }
    return true;
  }
}
