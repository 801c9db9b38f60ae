// What a fuzz target is: a decoder, and what must hold for whatever it is given.
import type { Random } from '../../src/base/random.ts';

export interface FuzzTarget {
  readonly name: string;
  /** Loads what it needs; called once in each thread. */
  open(): Promise<OpenTarget>;
}

export interface OpenTarget {
  /** An input, made of nothing but chance: the same seed gives the same input. */
  make(random: Random): Uint8Array;
  /** Decodes. Throws what no client may cause: anything but a clean refusal, or a property that does not hold. */
  check(input: Uint8Array): void | Promise<void>;
  close?(): Promise<void>;
}

/** A property of a decoder that does not hold. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

export function must(holds: boolean, what: () => string): void {
  if (!holds) throw new Broken(what());
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** The result, or undefined where the input was refused in one of the ways that are clean. Throws everything else. */
export function refusedOr<T>(clean: readonly ErrorClass[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (clean.some((each) => error instanceof each)) return undefined;
    throw error;
  }
}

export async function refusedOrAsync<T>(clean: readonly ErrorClass[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    return refusedOr(clean, () => {
      throw error;
    });
  }
}

export const textOf = (input: Uint8Array): string =>
  Buffer.from(input.buffer, input.byteOffset, input.byteLength).toString();

export const chance = (random: Random, share: number): boolean => random.next() < share;

export const below = (random: Random, count: number): number => Math.floor(random.next() * count);

export const pick = <T>(random: Random, choices: readonly T[]): T => choices[below(random, choices.length)]!;
