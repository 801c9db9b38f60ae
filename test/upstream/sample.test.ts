// Some of upstream's recordings in every area; `make replay` plays them all.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { TestCluster } from '../e2e/cluster.ts';
import { goldenCases, replayGolden } from './golden/replay-golden.ts';
import { knownDifferences } from './known-differences.ts';
import { sample } from './sample.ts';

const known = knownDifferences('golden');
const cases = goldenCases().filter(({ id }) => !known.has(id));

suite('the API server answers as upstream recorded', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.create({ simulatedNodes: 0, flags: ['--only', 'apiserver'] });
  });
  after(() => cluster[Symbol.asyncDispose]());

  for (const [area, chosen] of sample(cases, (each) => each.area, 9)) {
    test(`${area}: ${chosen.length} cases`, async () => {
      const failures: string[] = [];
      await replayGolden({
        kubeconfig: cluster.kubeconfig,
        cases: chosen,
        jobs: 6,
        onDone: ({ id, problems }) => {
          if (problems.length > 0) failures.push([id, ...problems].join('\n  '));
        },
      });
      assert.equal(failures.join('\n'), '');
    });
  }
});
