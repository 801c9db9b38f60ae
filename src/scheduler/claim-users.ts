// How many pods on nodes use which claim, kept by differences.
import type { PodVolumes } from './pod-volumes.ts';

export class ClaimUsers {
  /** By `namespace/name`; those that nobody uses are not here. */
  readonly #users = new Map<string, number>();

  of(key: string): number {
    return this.#users.get(key) ?? 0;
  }

  count({ claims }: PodVolumes, sign: 1 | -1): void {
    for (const { key } of claims) {
      const users = this.of(key) + sign;
      if (users === 0) this.#users.delete(key);
      else this.#users.set(key, users);
    }
  }
}
