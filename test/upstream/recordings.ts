// The recordings are lines of JSON, compressed; each belongs to an area (golden cases) or a group (scenarios).
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export function loadRecordings<T>(folder: 'golden' | 'scenarios'): T[] {
  const files = globSync('*.jsonl.gz', { cwd: join(import.meta.dirname, 'data', folder) }).sort();
  return files.flatMap((file) => {
    const text = gunzipSync(readFileSync(join(import.meta.dirname, 'data', folder, file))).toString();
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T);
  });
}

/** Runs `work` on every item, so many at a time. */
export async function inLanes<T>(items: readonly T[], lanes: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const lane = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
