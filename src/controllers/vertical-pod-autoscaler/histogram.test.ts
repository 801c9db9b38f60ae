import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuBuckets, DecayingHistogram, memoryBuckets } from './histogram.ts';

const day = 24 * 3_600_000;
const start = Date.UTC(2030, 0, 1);

test('a percentile is the end of the bucket it falls into', () => {
  const histogram = new DecayingHistogram(cpuBuckets);
  assert.equal(histogram.percentile(0.9), 0);
  for (const cores of [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 2]) histogram.add(cores, 1, start);
  const near = (value: number, wanted: number) =>
    assert.ok(value >= wanted && value < wanted + 0.06 * wanted + 0.01, `${value}`);
  near(histogram.percentile(0.5), 0.1);
  near(histogram.percentile(0.95), 2);
});

test('a day halves the weight of what went before', () => {
  const histogram = new DecayingHistogram(cpuBuckets);
  for (let count = 0; count < 3; count++) histogram.add(1, 1, start);
  // Two days later one sample weighs as four of then.
  histogram.add(4, 1, start + 2 * day);
  assert.ok(histogram.percentile(0.5) > 4);
  assert.ok(histogram.percentile(0.4) < 1.2);
});

test('years of samples do not outgrow its numbers', () => {
  const histogram = new DecayingHistogram(memoryBuckets);
  for (let days = 0; days < 2000; days += 10) histogram.add(1e9, 1, start + days * day);
  assert.ok(histogram.percentile(0.9) >= 1e9 && histogram.percentile(0.9) < 1.1e9);
});

test('what is subtracted is as if it had not been added', () => {
  const histogram = new DecayingHistogram(memoryBuckets);
  histogram.add(5e8, 1, start);
  histogram.subtract(5e8, 1, start);
  assert.equal(histogram.isEmpty, true);
  assert.equal(histogram.percentile(0.5), 0);
});

test('a checkpoint keeps its shape; one that makes no sense is refused', () => {
  const histogram = new DecayingHistogram(cpuBuckets);
  for (const cores of [0.05, 0.1, 0.1, 1, 3]) histogram.add(cores, 1, start);
  const saved = histogram.save();
  assert.equal(saved.referenceTimestamp, '2030-01-01T00:00:00Z');
  const loaded = DecayingHistogram.load(cpuBuckets, saved)!;
  for (const part of [0.1, 0.5, 0.9]) assert.equal(loaded.percentile(part), histogram.percentile(part));
  for (const bucketWeights of [{ '-1': 5 }, { '9999': 5 }, { x: 5 }, { '3': -1 }])
    assert.equal(DecayingHistogram.load(cpuBuckets, { bucketWeights, totalWeight: 1 }), undefined);
});
