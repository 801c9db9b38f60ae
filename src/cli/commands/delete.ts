import { createInterface } from 'node:readline/promises';
import { type ClusterOptions, clusterCommand, layoutFrom } from '../cluster-options.ts';

export const deleteCommand = clusterCommand('delete')
  .description('stop the cluster and remove all it ever made: pods, networks, state, the kubeconfig context')
  .option('-y, --yes', 'do not ask')
  .action(deleteHere);

/** Asks first, where somebody can answer. */
export async function deleteHere(options: ClusterOptions & { yes?: boolean }): Promise<void> {
  const layout = layoutFrom(options);
  if (!options.yes && process.stdin.isTTY && process.stdout.isTTY) {
    const asking = createInterface({ input: process.stdin, output: process.stdout });
    const answer = await asking.question(`Delete cluster "${layout.name}" and all in ${layout.dataDir}? [y/N] `);
    asking.close();
    if (!/^y(es)?$/i.test(answer.trim())) return;
  }
  const { deleteCluster } = await import('../../cluster/down.ts');
  const existed = await deleteCluster(layout);
  console.log(existed ? `cluster "${layout.name}" is deleted` : `there is no cluster "${layout.name}"`);
}
