import type { Labels } from '../../api/meta/labels.ts';

/** Labels that have an older name beside theirs. */
const older = [
  ['kubernetes.io/os', 'beta.kubernetes.io/os'],
  ['kubernetes.io/arch', 'beta.kubernetes.io/arch'],
] as const;

/** The older labels that a node lacks, or that say something else than the newer; undefined when all is well. */
export function planLabels(labels: Labels = {}): Record<string, string> | undefined {
  const wrong = older.filter(([now, before]) => labels[now] !== undefined && labels[before] !== labels[now]);
  return wrong.length > 0 ? Object.fromEntries(wrong.map(([now, before]) => [before, labels[now]!])) : undefined;
}
