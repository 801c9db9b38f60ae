// Which mutating webhooks run in the second round: those that allow it and ran before something changed the object.
import { isDeepStrictEqual } from 'node:util';
import type { AdmissionRequest } from '../plugin.ts';

export class Reinvocations {
  readonly #request: AdmissionRequest;
  /** Ran, and may run again. */
  #ran = new Set<string>();
  readonly #due = new Set<string>();
  /** The object as the webhooks left it. */
  #left: unknown;

  constructor(request: AdmissionRequest) {
    this.#request = request;
  }

  /** The state of a request's rounds, begun with the first. */
  static of(request: AdmissionRequest, plugin: string): Reinvocations {
    const { rounds } = request;
    let state = rounds.notes.get(plugin) as Reinvocations | undefined;
    if (!state) {
      state = new Reinvocations(request);
      rounds.notes.set(plugin, state);
    }
    // Other plugins changed the object meanwhile: all that may run again must.
    if (rounds.isSecond && !isDeepStrictEqual(state.#left, request.object)) state.#runAgain();
    return state;
  }

  /** In the second round, only what ran before runs. */
  isDue(uid: string): boolean {
    return !this.#request.rounds.isSecond || this.#due.has(uid);
  }

  mayRunAgain(uid: string): void {
    this.#ran.add(uid);
  }

  changed(): void {
    this.#runAgain();
    this.#request.rounds.wantsSecond = true;
  }

  ended(): void {
    // Compared with in the second round alone.
    if (this.#ran.size > 0 && !this.#request.rounds.isSecond) this.#left = structuredClone(this.#request.object);
  }

  #runAgain(): void {
    for (const uid of this.#ran) this.#due.add(uid);
    this.#ran = new Set();
  }
}
