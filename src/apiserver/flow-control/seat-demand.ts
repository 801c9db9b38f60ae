// How many seats a priority level could have used, over the time since it was last asked.

export interface DemandFigures {
  readonly average: number;
  readonly deviation: number;
  readonly highWatermark: number;
  /** Follows a rise at once and a fall slowly. */
  readonly smoothed: number;
}

const smoothing = 0.977;

export class SeatDemand {
  #seats = 0;
  #highest = 0;
  #sinceMs: number;
  #changedMs: number;
  #sum = 0;
  #squares = 0;
  #figures: DemandFigures = { average: 0, deviation: 0, highWatermark: 0, smoothed: 0 };

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#changedMs = nowMs;
  }

  get seats(): number {
    return this.#seats;
  }

  get figures(): DemandFigures {
    return this.#figures;
  }

  add(seats: number, nowMs: number): void {
    this.#integrate(nowMs);
    this.#seats += seats;
    if (this.#seats > this.#highest) this.#highest = this.#seats;
  }

  #integrate(nowMs: number): void {
    const spanMs = nowMs - this.#changedMs;
    this.#changedMs = nowMs;
    if (this.#seats === 0) return;
    this.#sum += this.#seats * spanMs;
    this.#squares += this.#seats * this.#seats * spanMs;
  }

  /** Ends a period and begins the next. */
  endPeriod(nowMs: number): DemandFigures {
    this.#integrate(nowMs);
    const spanMs = nowMs - this.#sinceMs;
    let { average, deviation, smoothed } = this.#figures;
    if (spanMs > 0) {
      average = this.#sum / spanMs;
      deviation = Math.sqrt(Math.max(0, this.#squares / spanMs - average * average));
      const envelope = average + deviation;
      smoothed = Math.max(envelope, smoothing * smoothed + (1 - smoothing) * envelope);
    }
    this.#figures = { average, deviation, highWatermark: this.#highest, smoothed };
    this.#sinceMs = nowMs;
    this.#sum = 0;
    this.#squares = 0;
    this.#highest = this.#seats;
    return this.#figures;
  }
}
