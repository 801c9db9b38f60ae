// Thresholds: a verdict changes after as many equal outcomes in a row as the probe asks for.
import type { Probe } from '../../../generated/core-v1.ts';

export class ProbeCounter {
  readonly #probe: Probe;
  #last: boolean | undefined;
  #run = 0;

  constructor(probe: Probe) {
    this.#probe = probe;
  }

  /** The verdict once this outcome settles one; undefined while it stays as it was. */
  add(isSuccess: boolean): boolean | undefined {
    this.#run = this.#last === isSuccess ? this.#run + 1 : 1;
    this.#last = isSuccess;
    const needed = isSuccess ? (this.#probe.successThreshold ?? 1) : (this.#probe.failureThreshold ?? 3);
    return this.#run >= needed ? isSuccess : undefined;
  }
}
