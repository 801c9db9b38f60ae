// Plays scenarios side by side where they do not disturb one another, one by one where they would.
import { WireClient } from '../client.ts';
import { knownDifferences } from '../known-differences.ts';
import { inLanes, loadRecordings } from '../recordings.ts';
import type { Outcome } from '../tally.ts';
import { Api } from './api.ts';
import { playScenario } from './play-scenario.ts';
import type { Scenario } from './scenario.ts';

export interface ScenarioReplay {
  readonly kubeconfig: string;
  readonly scenarios: readonly Scenario[];
  readonly jobs: number;
  readonly onDone: (outcome: Outcome & { readonly seconds: number }) => void;
}

export const allScenarios = (): Scenario[] => loadRecordings<Scenario>('scenarios');
export const fullId = ({ group, id }: Scenario): string => `${group}/${id}`;

export async function replayScenarios({ kubeconfig, scenarios, jobs, onDone }: ScenarioReplay): Promise<void> {
  using client = new WireClient({ kubeconfig, headers: { accept: 'application/json' }, timeoutMs: 30_000 });
  const api = new Api(client);
  const known = knownDifferences('scenarios');
  const play = async (scenario: Scenario) => {
    const started = performance.now();
    // No use in waiting long for what is known not to come.
    const problems = await playScenario(api, scenario, known.has(fullId(scenario)) ? 5 : undefined);
    const seconds = (performance.now() - started) / 1000;
    onDone({ area: scenario.group, id: fullId(scenario), problems, seconds });
  };
  // The slow ones first: nothing then waits for a last one.
  const needing = (needs: Scenario['needs']) =>
    scenarios.filter((each) => each.needs === needs).sort((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0));
  const withNodes = async () => {
    await inLanes(needing('alone'), 1, play);
    await inLanes(needing('nodes'), Math.max(1, jobs >> 1), play);
  };
  await Promise.all([withNodes(), inLanes(needing('none'), Math.max(1, jobs - 1), play)]);
}
