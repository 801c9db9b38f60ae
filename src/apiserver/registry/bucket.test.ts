import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../base/random.ts';
import { Bucket } from './bucket.ts';
import { Entry } from './entry.ts';

const entry = (name: string, revision: number) =>
  new Entry(`/x/${name}`, 3, Buffer.from(`{"kind":"X","apiVersion":"v1","metadata":{"name":"${name}"}}`), revision);

test('a bucket is in order after any changes, and what it handed out stays as it was', () => {
  const seed = 4;
  const random = seededRandom(seed);
  const bucket = new Bucket();
  const model = new Map<string, number>();
  const shown: { given: readonly Entry[]; looked: string }[] = [];
  const looks = (entries: readonly Entry[]) => entries.map(({ name, revision }) => `${name}@${revision}`).join();
  for (let revision = 1; revision <= 3000; revision++) {
    const name = `n${Math.floor(random.next() * 200)}`;
    if (random.next() < 0.3) {
      bucket.delete(name);
      model.delete(name);
    } else {
      bucket.set(entry(name, revision));
      model.set(name, revision);
    }
    if (random.next() > 0.1) continue;
    const given = bucket.sorted();
    const wanted = [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([each, at]) => `${each}@${at}`);
    assert.equal(looks(given), wanted.join(), `seed ${seed}`);
    shown.push({ given, looked: looks(given) });
  }
  for (const { given, looked } of shown) assert.equal(looks(given), looked, `seed ${seed}`);
});
