import { test } from 'node:test';
import { TestCluster } from './cluster.ts';
import { walkThrough } from './walk-through.ts';

test('the walk-through on three simulated nodes', async (t) => {
  await using cluster = await TestCluster.create({ simulatedNodes: 3 });
  await walkThrough(t, cluster, 'registry.invalid/nginx:1.91');
});
