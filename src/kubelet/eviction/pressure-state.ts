// What the thresholds say over time: which are crossed, since when, and which pressures the node is under. No I/O.
import type { Quantity } from '../../api/meta/quantity.ts';
import { amountOf, type Pressure, pressureOf, type Signal, type Threshold } from './thresholds.ts';

export interface Observation {
  readonly available: Quantity;
  readonly capacity: Quantity;
}

export type Observations = ReadonlyMap<Signal, Observation>;

export interface PressureVerdict {
  /** In the order in which they were found. */
  readonly pressures: ReadonlySet<Pressure>;
  /** Crossed for longer than their grace periods: something has to be done. */
  readonly due: readonly Threshold[];
}

export class PressureState {
  readonly #thresholds: readonly Threshold[];
  readonly #transitionMs: number;
  #crossedSince = new Map<Threshold, number>();
  #due: readonly Threshold[] = [];
  readonly #lastSeen = new Map<Pressure, number>();

  /** @param transitionMs how long a pressure is still told of after it has gone */
  constructor(thresholds: readonly Threshold[], transitionMs: number) {
    this.#thresholds = thresholds;
    this.#transitionMs = transitionMs;
  }

  observe(observations: Observations, nowMs: number): PressureVerdict {
    // One that had to be acted upon is over only when the minimum to reclaim is there as well.
    const unresolved = crossed(this.#due, observations, true);
    const now = new Set([...crossed(this.#thresholds, observations, false), ...unresolved]);
    this.#crossedSince = new Map([...now].map((each) => [each, this.#crossedSince.get(each) ?? nowMs]));
    for (const { signal } of now) this.#lastSeen.set(pressureOf(signal), nowMs);
    const pressures = new Set(
      [...this.#lastSeen].filter(([, seenMs]) => nowMs - seenMs < this.#transitionMs).map(([pressure]) => pressure),
    );
    this.#due = [...this.#crossedSince]
      .filter(([{ graceMs }, sinceMs]) => nowMs - sinceMs >= graceMs)
      .map(([threshold]) => threshold)
      .sort((a, b) => urgency(a) - urgency(b));
    return { pressures, due: this.#due };
  }

  /** Whether everything is above its threshold again, with the minimum to reclaim. */
  isRelieved(observations: Observations): boolean {
    return crossed(this.#thresholds, observations, true).length === 0;
  }
}

/** Memory first: a machine without it does nothing else. */
const urgency = ({ signal }: Threshold): number => (pressureOf(signal) === 'MemoryPressure' ? 0 : 1);

function crossed(thresholds: readonly Threshold[], observations: Observations, withMinReclaim: boolean): Threshold[] {
  return thresholds.filter(({ signal, value, minReclaim }) => {
    const observed = observations.get(signal);
    if (!observed) return false;
    const least = amountOf(value, observed.capacity);
    const extra = withMinReclaim && minReclaim ? amountOf(minReclaim, observed.capacity) : undefined;
    return observed.available.compare(extra ? least.plus(extra) : least) < 0;
  });
}
