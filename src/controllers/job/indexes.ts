// Completion indexes as the status writes them: `0,2,5-7`.
import type { Pod } from '../../../generated/core-v1.ts';

export const indexKey = 'batch.kubernetes.io/job-completion-index';

export function parseIndexes(text: string | undefined, limit: number): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!match) continue;
    const last = Math.min(Number(match[2] ?? match[1]), limit - 1);
    for (let index = Number(match[1]); index <= last; index++) indexes.add(index);
  }
  return indexes;
}

export function formatIndexes(indexes: ReadonlySet<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (sorted[end + 1] === sorted[end]! + 1) end++;
    // Two in a row are not yet a range.
    if (end - start < 2) for (let at = start; at <= end; at++) parts.push(`${sorted[at]}`);
    else parts.push(`${sorted[start]}-${sorted[end]}`);
    start = end + 1;
  }
  return parts.join(',');
}

/** The index a pod works on; undefined for a pod without one. */
export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[indexKey];
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
