// What was used, as weights in buckets that grow by a twentieth each. New samples weigh more: a day halves what went before.

import { timeMs, timeText } from '../../api/meta/time.ts';
import type { HistogramCheckpoint } from '../../api/vertical-pod-autoscaler/types.ts';

/** The scale of a histogram. */
export interface Buckets {
  readonly count: number;
  readonly first: number;
}

const growth = 1.05;
const halfLifeMs = 24 * 3_600_000;
/** Beyond so many half-lives after the reference, weights would outgrow numbers. */
const maxExponent = 100;
/** Least weight of a sample before it decays; what is a thousandth of it counts as nothing. */
export const sampleWeight = 0.1;
const epsilon = 0.001 * sampleWeight;
const maxCheckpointWeight = 10_000;

function buckets(most: number, first: number): Buckets {
  return { first, count: Math.ceil(logGrowth((most * (growth - 1)) / first + 1)) + 1 };
}

const logGrowth = (value: number) => Math.log(value) / Math.log(growth);

/** In cores, from 0.01 to 1000. */
export const cpuBuckets = buckets(1000, 0.01);
/** In bytes, from 10 MB to 1 TB. */
export const memoryBuckets = buckets(1e12, 1e7);

export class DecayingHistogram {
  readonly #buckets: Buckets;
  readonly #weights: Float64Array;
  #total = 0;
  #referenceMs: number | undefined;

  constructor(scale: Buckets) {
    this.#buckets = scale;
    this.#weights = new Float64Array(scale.count);
  }

  add(value: number, weight: number, atMs: number): void {
    const decayed = weight * this.#factor(atMs);
    this.#weights[this.#bucketOf(value)]! += decayed;
    this.#total += decayed;
  }

  subtract(value: number, weight: number, atMs: number): void {
    const decayed = weight * this.#factor(atMs);
    const bucket = this.#bucketOf(value);
    const less = (from: number) => (from - decayed < epsilon ? 0 : from - decayed);
    this.#total = less(this.#total);
    this.#weights[bucket] = less(this.#weights[bucket]!);
  }

  get isEmpty(): boolean {
    return this.#ends() === undefined;
  }

  /** The end of the bucket below which this part (0 to 1) of the samples lies; 0 when there is none. */
  percentile(part: number): number {
    const ends = this.#ends();
    if (!ends) return 0;
    const threshold = part * this.#total;
    let [bucket, last] = ends;
    for (let sum = 0; bucket < last; bucket++) {
      sum += this.#weights[bucket]!;
      if (sum >= threshold) break;
    }
    return this.#startOf(bucket < this.#buckets.count - 1 ? bucket + 1 : bucket);
  }

  copy(): DecayingHistogram {
    const copy = new DecayingHistogram(this.#buckets);
    copy.#weights.set(this.#weights);
    copy.#total = this.#total;
    copy.#referenceMs = this.#referenceMs;
    return copy;
  }

  save(): HistogramCheckpoint {
    const most = Math.max(...this.#weights);
    const bucketWeights: Record<string, number> = {};
    if (most > 0)
      for (const [bucket, weight] of this.#weights.entries()) {
        const share = Math.round((weight * maxCheckpointWeight) / most);
        if (weight >= epsilon && share > 0) bucketWeights[bucket] = share;
      }
    return { referenceTimestamp: timeText(this.#referenceMs ?? 0), bucketWeights, totalWeight: this.#total };
  }

  /** What a checkpoint says; undefined for one that makes no sense. */
  static load(scale: Buckets, { bucketWeights = {}, totalWeight = 0, referenceTimestamp }: HistogramCheckpoint) {
    const found = new DecayingHistogram(scale);
    const entries = Object.entries(bucketWeights).map(([bucket, weight]) => [Number(bucket), Number(weight)] as const);
    const isSound = entries.every(([bucket, weight]) => bucket >= 0 && bucket < scale.count && weight >= 0);
    if (!isSound || !entries.every(([bucket]) => Number.isInteger(bucket)) || !(totalWeight >= 0)) return undefined;
    const sum = entries.reduce((total, [, weight]) => total + weight, 0);
    if (sum === 0) return found;
    for (const [bucket, weight] of entries) found.#weights[bucket] = (weight * totalWeight) / sum;
    found.#total = totalWeight;
    found.#referenceMs = timeMs(referenceTimestamp);
    return found;
  }

  #ends(): [number, number] | undefined {
    const first = this.#weights.findIndex((weight) => weight >= epsilon);
    if (first < 0) return undefined;
    return [first, this.#weights.findLastIndex((weight) => weight >= epsilon)];
  }

  #bucketOf(value: number): number {
    if (!(value >= this.#buckets.first)) return 0;
    const bucket = Math.floor(logGrowth((value * (growth - 1)) / this.#buckets.first + 1));
    return Math.min(bucket, this.#buckets.count - 1);
  }

  #startOf(bucket: number): number {
    return (this.#buckets.first * (growth ** bucket - 1)) / (growth - 1);
  }

  /** How much a sample of this time weighs against one of the reference time. */
  #factor(atMs: number): number {
    if (this.#referenceMs === undefined) this.#referenceMs = Math.round(atMs / halfLifeMs) * halfLifeMs;
    else if (atMs > this.#referenceMs + maxExponent * halfLifeMs) this.#shift(atMs);
    return 2 ** ((atMs - this.#referenceMs) / halfLifeMs);
  }

  #shift(toMs: number): void {
    const next = Math.round(toMs / halfLifeMs) * halfLifeMs;
    const factor = 2 ** Math.round((this.#referenceMs! - next) / halfLifeMs);
    for (let bucket = 0; bucket < this.#weights.length; bucket++) this.#weights[bucket]! *= factor;
    this.#total *= factor;
    this.#referenceMs = next;
  }
}
