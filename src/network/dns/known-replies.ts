// Whole answers under whole questions: the same bytes asked again (but for the id) are answered without being read.
// Bounded in two halves: when the younger is full, the older is forgotten, so that what is asked often stays.
import type { Clock } from '../../base/clock.ts';
import type { Tally } from './metrics.ts';
import { findTtls } from './ttl-offsets.ts';

export interface Reply {
  readonly bytes: Buffer;
  readonly tally: Tally;
}

interface Known {
  /** Of what the cluster held then. */
  readonly generation: number;
  /** The answer with another record first each; as many as `turns` in the end. */
  readonly variants: Buffer[];
  readonly turns: number;
  next: number;
  readonly tally: Tally;
  /** Another server's answer grows old. */
  readonly aging?: { readonly offsets: readonly number[]; readonly untilMs: number; second: number };
}

export interface Keep {
  /** How many answers there are to this question, which follow each other; default 1. */
  readonly turns?: number;
  /** For how long, at most; absent: until the cluster changes. */
  readonly lifeMs?: number;
  readonly tally: Tally;
}

const headerBytes = 12;
/** Longer questions are rare, and not worth their place. */
const maxQuestionBytes = 320;
const maxReplyBytes = 1232;
const maxTurns = 8;

export class KnownReplies {
  readonly #clock: Clock;
  readonly #half: number;
  #young = new Map<string, Known>();
  #old = new Map<string, Known>();
  #generation = 0;

  /** @param maxEntries default 8192: some 4 MB */
  constructor(clock: Clock, maxEntries = 8192) {
    this.#clock = clock;
    this.#half = Math.max(1, maxEntries >> 1);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** What the cluster holds has changed: nothing said about it counts any more. */
  forget(): void {
    this.#generation++;
  }

  get generation(): number {
    return this.#generation;
  }

  /** The answer under this question's id. Its bytes are given again: whoever reads them later calls `replace`. */
  find(question: Buffer): Reply | undefined {
    if (question.length < headerBytes || question.length > maxQuestionBytes) return undefined;
    const key = question.toString('latin1', 2);
    const known = this.#young.get(key) ?? this.#promote(key);
    if (!known) return undefined;
    if (known.generation !== this.#generation && !known.aging) return undefined;
    if (known.variants.length < known.turns) return undefined;
    if (known.aging && !this.#grow(known, known.aging)) return undefined;
    const turn = known.next;
    known.next = turn + 1 === known.variants.length ? 0 : turn + 1;
    const bytes = known.variants[turn]!;
    bytes[0] = question[0]!;
    bytes[1] = question[1]!;
    return { bytes, tally: known.tally };
  }

  #promote(key: string): Known | undefined {
    const known = this.#old.get(key);
    if (known) this.#put(key, known);
    return known;
  }

  #put(key: string, known: Known): void {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, known);
  }

  /** Counts the records' times down. False when they are over. */
  #grow(known: Known, aging: NonNullable<Known['aging']>): boolean {
    const left = aging.untilMs - this.#clock.monotonicMs();
    if (left <= 0) return false;
    const second = Math.ceil(left / 1000);
    const passed = aging.second - second;
    if (passed > 0) {
      aging.second = second;
      const bytes = known.variants[0]!;
      for (const offset of aging.offsets) {
        bytes.writeUInt32BE(Math.max(0, bytes.readUInt32BE(offset) - passed), offset);
      }
    }
    return true;
  }

  /** @param generation what `generation` was when the answer was made */
  keep(question: Buffer, reply: Buffer, generation: number, { turns = 1, lifeMs, tally }: Keep): void {
    if (question.length > maxQuestionBytes || reply.length > maxReplyBytes || generation !== this.#generation) return;
    const key = question.toString('latin1', 2);
    const wanted = Math.min(turns, maxTurns);
    const before = this.#young.get(key);
    if (before && before.generation === generation && before.variants.length < before.turns) {
      before.variants.push(Buffer.from(reply));
      return;
    }
    const found = lifeMs === undefined ? undefined : findTtls(reply);
    if (lifeMs !== undefined && (!found || lifeMs <= 0)) return;
    const untilMs = this.#clock.monotonicMs() + (lifeMs ?? 0);
    this.#put(key, {
      generation,
      variants: [Buffer.from(reply)],
      turns: wanted,
      next: 0,
      tally,
      ...(found && { aging: { offsets: found.offsets, untilMs, second: Math.ceil(lifeMs! / 1000) } }),
    });
  }

  /** The kernel did not take these bytes at once, and reads them later: the next answer has its own. */
  replace(question: Buffer, bytes: Buffer): void {
    const known = this.#young.get(question.toString('latin1', 2));
    const at = known?.variants.indexOf(bytes) ?? -1;
    if (at >= 0) known!.variants[at] = Buffer.from(bytes);
  }
}
