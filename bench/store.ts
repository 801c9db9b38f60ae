// Durable puts a second of the SQLite engine, values of 1.5 KB, at 1, 32 and 256 writers: node bench/store.ts [seconds]
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../src/store/engines/sqlite.ts';

const seconds = Number(process.argv[2] ?? 3);
const directory = await mkdtemp(join(tmpdir(), 'coracle-bench-'));
const store = await openSqliteStore({ file: join(directory, 'store.db') });
const value = Buffer.concat([randomBytes(600), Buffer.alloc(900, 'x')]);

async function measure(writers: number): Promise<void> {
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + seconds * 1000;
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let n = 0; performance.now() < end; n++) {
        const began = performance.now();
        await store.commit([{ key: `/bench/${writers}/${writer}/${n % 1000}`, value }]);
        latencies.push(performance.now() - began);
      }
    }),
  );
  const elapsed = (performance.now() - start) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)]!.toFixed(2).padStart(7);
  const rate = Math.round(latencies.length / elapsed)
    .toLocaleString('en')
    .padStart(7);
  console.log(`${String(writers).padStart(4)} writers ${rate} puts/s   p50 ${at(0.5)} ms   p99 ${at(0.99)} ms`);
}

for (const writers of [1, 32, 256]) await measure(writers);
const began = performance.now();
await store.compact(store.revision);
const megabytes = (count: number) => `${Math.round(count / 2 ** 20)} MB`;
console.log(`compaction ${Math.round(performance.now() - began)} ms, store ${megabytes(await store.sizeBytes())}`);
console.log(`resident ${megabytes(process.memoryUsage().rss)}`);
await store[Symbol.asyncDispose]();
await rm(directory, { recursive: true });
