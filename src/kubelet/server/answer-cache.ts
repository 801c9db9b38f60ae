// Answers of the API server, kept for a while. Those who ask the same at once share one question.
import type { Clock } from '../../base/clock.ts';

const maxAnswers = 4_096;

export class AnswerCache<T> {
  readonly #clock: Clock;
  readonly #answers = new Map<string, { readonly untilMs: number; readonly answer: Promise<T> }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What went wrong is not kept. @param keepMs may depend on the answer */
  get(key: string, keepMs: number | ((answer: T) => number), ask: () => Promise<T>): Promise<T> {
    const nowMs = this.#clock.monotonicMs();
    const found = this.#answers.get(key);
    if (found && found.untilMs > nowMs) return found.answer;
    const answer = ask();
    this.#keep(key, Number.POSITIVE_INFINITY, answer);
    answer.then(
      (value) => {
        const ms = typeof keepMs === 'number' ? keepMs : keepMs(value);
        if (this.#answers.get(key)?.answer === answer) this.#keep(key, this.#clock.monotonicMs() + ms, answer);
      },
      () => this.#answers.delete(key),
    );
    return answer;
  }

  #keep(key: string, untilMs: number, answer: Promise<T>): void {
    this.#answers.delete(key);
    this.#answers.set(key, { untilMs, answer });
    // The oldest goes: whoever asks with ever new names has no more of the agent's memory than this.
    if (this.#answers.size > maxAnswers) this.#answers.delete(this.#answers.keys().next().value!);
  }
}
