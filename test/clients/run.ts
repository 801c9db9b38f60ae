// Runs every client's `check` against one cluster with simulated nodes, and prints which passed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { TestCluster } from '../e2e/cluster.ts';

/** What a `check` ends with when the machine lacks its language. */
const skipped = 77;

const only = process.argv[2];
const cache = process.env['CORACLE_CLIENTS_CACHE'] ?? join(homedir(), '.cache/coracle/clients');
mkdirSync(cache, { recursive: true });
const clients = readdirSync(import.meta.dirname)
  .filter((name) => existsSync(join(import.meta.dirname, name, 'check')))
  .filter((name) => !only || name === only)
  .sort();

await using cluster = await TestCluster.create({ simulatedNodes: 2 });
for (const client of clients) {
  const begin = performance.now();
  const { status } = spawnSync(join(import.meta.dirname, client, 'check'), {
    stdio: 'inherit',
    env: { ...process.env, KUBECONFIG: cluster.kubeconfig, CACHE: cache },
  });
  const verdict = status === 0 ? 'passed' : status === skipped ? 'skipped: its language is not here' : 'FAILED';
  console.log(`${client.padEnd(12)} ${verdict} (${((performance.now() - begin) / 1000).toFixed(1)} s)`);
  if (status !== 0 && status !== skipped) process.exitCode = 1;
}
if (clients.length === 0) throw new Error(`there is no client ${only}`);
