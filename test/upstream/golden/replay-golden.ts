// Plays golden cases side by side.
import { WireClient } from '../client.ts';
import { knownDifferences } from '../known-differences.ts';
import { inLanes, loadRecordings } from '../recordings.ts';
import type { Outcome } from '../tally.ts';
import type { GoldenCase } from './golden-case.ts';
import { runCase } from './run-case.ts';

export interface GoldenReplay {
  readonly kubeconfig: string;
  readonly cases: readonly GoldenCase[];
  readonly jobs: number;
  readonly onDone: (outcome: Outcome & { readonly seconds: number }) => void;
}

export const goldenCases = (): GoldenCase[] => loadRecordings<GoldenCase>('golden');

const headers = { 'user-agent': 'golden/1.0', accept: 'application/json' };

export async function replayGolden({ kubeconfig, cases, jobs, onDone }: GoldenReplay): Promise<void> {
  const known = knownDifferences('golden');
  using client = new WireClient({ kubeconfig, headers, timeoutMs: 15_000 });
  await inLanes(cases, jobs, async (golden) => {
    const started = performance.now();
    // No use in waiting for what is known not to come.
    const problems = await runCase(client, golden, known.has(golden.id) ? 1000 : undefined);
    const seconds = (performance.now() - started) / 1000;
    onDone({ area: golden.area, id: golden.id, problems, seconds });
  });
}
