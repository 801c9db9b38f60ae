// Some of upstream's scenarios of controllers and scheduler, the quick ones; `make replay` plays them all.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { TestCluster } from '../e2e/cluster.ts';
import { knownDifferences } from './known-differences.ts';
import { sample } from './sample.ts';
import { allScenarios, fullId, replayScenarios } from './scenarios/replay-scenarios.ts';

const groups = [
  ...['deployment', 'replicaset', 'statefulset', 'daemonset', 'job', 'cronjob', 'pdb', 'scheduler'],
  ...['endpoints', 'gc', 'namespace', 'serviceaccount'],
];
const quickSeconds = 7;

const known = knownDifferences('scenarios');
const scenarios = allScenarios().filter(
  (each) => groups.includes(each.group) && (each.seconds ?? 0) <= quickSeconds && !known.has(fullId(each)),
);

suite('the control plane does as upstream recorded', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.create({ simulatedNodes: 0, flags: ['--only', 'apiserver,controllers,scheduler'] });
  });
  after(() => cluster[Symbol.asyncDispose]());

  for (const [group, chosen] of sample(scenarios, (each) => each.group, 8)) {
    test(`${group}: ${chosen.length} scenarios`, async () => {
      const failures: string[] = [];
      await replayScenarios({
        kubeconfig: cluster.kubeconfig,
        scenarios: chosen,
        jobs: 8,
        onDone: ({ id, problems }) => {
          if (problems.length > 0) failures.push([id, ...problems].join('\n  '));
        },
      });
      assert.equal(failures.join('\n'), '');
    });
  }
});
