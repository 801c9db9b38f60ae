// `make replay [FILTER=regex]`: plays upstream's recordings against clusters of our own, or against the one of a kubeconfig.
//   node test/upstream/replay.ts [golden] [scenarios] [--filter REGEX] [--jobs N] [--verbose] [--kubeconfig FILE]
import { parseArgs } from 'node:util';
import { TestCluster } from '../e2e/cluster.ts';
import { goldenCases, replayGolden } from './golden/replay-golden.ts';
import { knownDifferences } from './known-differences.ts';
import { allScenarios, fullId, replayScenarios } from './scenarios/replay-scenarios.ts';
import { Tally } from './tally.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    filter: { type: 'string', default: '' },
    jobs: { type: 'string', default: '6' },
    verbose: { type: 'boolean', default: false },
    kubeconfig: { type: 'string' },
  },
});
const filter = new RegExp(values.filter);
const jobs = Number(values.jobs);
const isWanted = (name: string) => positionals.length === 0 || positionals.includes(name);

let hasPassed = true;
if (isWanted('golden')) hasPassed = (await golden()) && hasPassed;
if (isWanted('scenarios')) hasPassed = (await scenarios()) && hasPassed;
process.exitCode = hasPassed ? 0 : 1;

async function golden(): Promise<boolean> {
  const cases = goldenCases().filter(({ id }) => filter.test(id));
  if (cases.length === 0) return true;
  const tally = new Tally(knownDifferences('golden'), values.verbose);
  await withCluster('apiserver', (kubeconfig) =>
    replayGolden({ kubeconfig, cases, jobs, onDone: (outcome) => tally.add(outcome) }),
  );
  return tally.finish();
}

async function scenarios(): Promise<boolean> {
  const chosen = allScenarios().filter((each) => filter.test(fullId(each)));
  if (chosen.length === 0) return true;
  const tally = new Tally(knownDifferences('scenarios'), values.verbose);
  await withCluster('apiserver,controllers,scheduler', (kubeconfig) =>
    replayScenarios({ kubeconfig, scenarios: chosen, jobs, onDone: (outcome) => tally.add(outcome) }),
  );
  return tally.finish();
}

async function withCluster(components: string, work: (kubeconfig: string) => Promise<void>): Promise<void> {
  if (values.kubeconfig) return await work(values.kubeconfig);
  await using cluster = await TestCluster.create({ simulatedNodes: 0, flags: ['--only', components] });
  await work(cluster.kubeconfig);
}
