import { Command } from 'commander';
import type { NodeLine } from '../../cluster/nodes/real-node-set.ts';
import { type ClusterOptions, clusterCommand, layoutFrom } from '../cluster-options.ts';
import { printTable } from '../print-table.ts';

async function ask<T>(options: ClusterOptions, method: 'GET' | 'POST', path: string): Promise<T> {
  const [{ askServer }, { readSettings }] = await Promise.all([
    import('../../cluster/socket/control-client.ts'),
    import('../../cluster/settings/settings.ts'),
  ]);
  const layout = layoutFrom(options);
  if (readSettings(layout)?.simulatedNodes !== undefined) {
    const { exitCodes, UserFailure } = await import('../../cluster/failure.ts');
    const remedy = 'begin a cluster with real nodes: coracle up --name OTHER';
    throw new UserFailure(
      exitCodes.conflict,
      'E_NO_REAL_NODES',
      `cluster "${layout.name}" has simulated nodes`,
      remedy,
    );
  }
  return askServer<T>(layout, method, path);
}

const queryOf = (node: string | undefined) => (node === undefined ? '' : `?node=${encodeURIComponent(node)}`);

const addCommand = clusterCommand('add')
  .description('one real node more on this machine: a network, a containerd and an agent of its own')
  .argument('[node]', 'its name (default: the machine’s with a number)')
  .action(async (node: string | undefined, options: ClusterOptions) => {
    const added = await ask<{ name: string; address: string; ms: number }>(
      options,
      'POST',
      `/nodes/add${queryOf(node)}`,
    );
    console.log(`node "${added.name}" is Ready at ${added.address} (${(added.ms / 1000).toFixed(1)} s)`);
  });

const deleteCommand = clusterCommand('delete')
  .description('take a node away with its pods; on another machine, run `coracle reset` there as well')
  .argument('<node>', 'its name')
  .action(async (node: string, options: ClusterOptions) => {
    await ask<object>(options, 'POST', `/nodes/delete${queryOf(node)}`);
    console.log(`node "${node}" is deleted`);
  });

const listCommand = clusterCommand('list')
  .alias('ls')
  .description('the nodes: where each is, and whether it is Ready')
  .option('-o, --output <format>', 'json, or a table')
  .action(async (options: ClusterOptions & { output?: string }) => {
    const nodes = await ask<NodeLine[]>(options, 'GET', '/nodes');
    if (options.output === 'json') return console.log(JSON.stringify(nodes, null, 2));
    printTable(
      ['NODE', 'STATE', 'ADDRESS', 'PODS', 'PLACE'],
      nodes.map(({ name, isReady, address, podCidr, place }) => [
        name,
        isReady ? 'Ready' : 'NotReady',
        address,
        podCidr,
        place,
      ]),
    );
  });

export const nodeCommand = new Command('node')
  .description('the nodes of a running cluster: add, delete, list')
  .addCommand(addCommand)
  .addCommand(deleteCommand)
  .addCommand(listCommand);
