// Recordings that are known not to pass, each with its reason: kept different on purpose, or waiting for a later issue.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Difference {
  readonly reason: string;
  readonly cases: readonly string[];
}

export function knownDifferences(folder: 'golden' | 'scenarios'): ReadonlyMap<string, string> {
  const file = join(import.meta.dirname, 'known-differences.json');
  const all = JSON.parse(readFileSync(file, 'utf8')) as Record<typeof folder, readonly Difference[]>;
  return new Map(all[folder].flatMap(({ reason, cases }) => cases.map((id) => [id, reason] as const)));
}
