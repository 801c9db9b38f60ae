// How many requests are worked on at once. Beyond the limit a request is refused at once and told when to come again;
// nothing queues without bound. Watches and streams do not count.
import { tooManyRequests } from '../../api/meta/status-error.ts';

export interface InFlightLimits {
  readonly reading: number;
  readonly mutating: number;
}

export const defaultInFlight: InFlightLimits = { reading: 4000, mutating: 2000 };

const readingVerbs = new Set(['get', 'list', 'watch', 'head', 'options']);

export class InFlight {
  readonly #limits: InFlightLimits;
  #reading = 0;
  #mutating = 0;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  get counts(): InFlightLimits {
    return { reading: this.#reading, mutating: this.#mutating };
  }

  /** Dispose when the request is answered. @throws StatusError 429 */
  enter(verb: string): Disposable {
    const isReading = readingVerbs.has(verb);
    const count = isReading ? this.#reading : this.#mutating;
    if (count >= (isReading ? this.#limits.reading : this.#limits.mutating)) {
      throw tooManyRequests('too many requests, please try again later', 1);
    }
    if (isReading) this.#reading++;
    else this.#mutating++;
    return {
      [Symbol.dispose]: () => {
        if (isReading) this.#reading--;
        else this.#mutating--;
      },
    };
  }
}
