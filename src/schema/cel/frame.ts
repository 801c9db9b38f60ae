// One evaluation: its variables, and what it has cost so far.
import { CelError } from './errors.ts';
import { FuelSpent } from './fuel.ts';
import type { Outcome } from './value-types.ts';

export class Frame {
  readonly #bindings: Readonly<Record<string, Outcome | (() => Outcome)>>;
  readonly #made = new Map<string, Outcome>();
  readonly slots: (Outcome | undefined)[] = [];
  readonly limit: number;
  cost = 0;

  constructor(bindings: Readonly<Record<string, Outcome | (() => Outcome)>>, limit: number) {
    this.#bindings = bindings;
    this.limit = limit;
  }

  charge(cost: number): void {
    this.cost += cost;
    if (this.cost > this.limit) throw new FuelSpent();
  }

  variable(name: string): Outcome {
    const bound = Object.hasOwn(this.#bindings, name) ? this.#bindings[name] : undefined;
    if (typeof bound !== 'function') {
      return bound === undefined ? new CelError(`no such attribute(s): ${name}`) : bound;
    }
    const made = this.#made.get(name);
    if (made !== undefined) return made;
    const value = bound();
    this.#made.set(name, value);
    return value;
  }
}

export type Step = (frame: Frame) => Outcome;
