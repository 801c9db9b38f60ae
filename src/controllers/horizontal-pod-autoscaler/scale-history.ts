// What was recommended and done for one target lately: scaling is held back by both.
import type { HPAScalingRules } from '../../../generated/autoscaling-v2.ts';

interface Recommendation {
  readonly replicas: number;
  readonly atMs: number;
}

interface Change {
  /** How many replicas were added or taken, never negative. */
  readonly replicas: number;
  readonly atMs: number;
}

export class ScaleHistory {
  #recommendations: Recommendation[];
  #ups: Change[] = [];
  #downs: Change[] = [];

  /** What runs when the autoscaler is first seen counts as recommended. */
  constructor(replicas: number, nowMs: number) {
    this.#recommendations = [{ replicas, atMs: nowMs }];
  }

  /** Recommendations not older than the window. */
  since(windowMs: number, nowMs: number): number[] {
    return this.#recommendations.filter(({ atMs }) => atMs > nowMs - windowMs).map(({ replicas }) => replicas);
  }

  /** @param keepMs how long any window looks back */
  recommend(replicas: number, nowMs: number, keepMs: number): void {
    this.#recommendations = this.#recommendations.filter(({ atMs }) => atMs >= nowMs - keepMs);
    this.#recommendations.push({ replicas, atMs: nowMs });
  }

  /** Notes that the target was scaled, for policies that allow so much in a period. */
  scaled(from: number, to: number, nowMs: number, rules: HPAScalingRules | undefined): void {
    const keepMs = Math.max(0, ...(rules?.policies ?? []).map(({ periodSeconds }) => periodSeconds)) * 1000;
    const change = { replicas: Math.abs(to - from), atMs: nowMs };
    const recent = (changes: Change[]) => [...changes.filter(({ atMs }) => atMs >= nowMs - keepMs), change];
    if (to > from) this.#ups = recent(this.#ups);
    else this.#downs = recent(this.#downs);
  }

  /** The size at the start of the period that ends now. */
  replicasBefore(periodSeconds: number, current: number, nowMs: number): number {
    const sum = (changes: readonly Change[]) =>
      changes.reduce((total, { replicas, atMs }) => total + (atMs > nowMs - periodSeconds * 1000 ? replicas : 0), 0);
    return current - sum(this.#ups) + sum(this.#downs);
  }
}
