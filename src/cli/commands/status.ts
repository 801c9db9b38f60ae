import { exitCodes } from '../../cluster/failure.ts';
import type { Layout } from '../../cluster/settings/layout.ts';
import { isAlive, isServer, readState } from '../../cluster/settings/state.ts';
import type { StorageStatus } from '../../cluster/storage/storage.ts';
import { type ClusterOptions, clusterCommand, layoutFrom } from '../cluster-options.ts';
import { printTable } from '../print-table.ts';

export const statusCommand = clusterCommand('status')
  .description('say what runs: each component with its pid, address and state; exit code 83 when the cluster is down')
  .option('-o, --output <format>', 'json, or a table')
  .action(async (options: ClusterOptions & { output?: string }) => {
    const layout = layoutFrom(options);
    const state = readState(layout);
    const components = (state?.components ?? []).map(({ name, pid, started, address, state: said }) => ({
      name,
      pid,
      address,
      state: isAlive({ pid, started }) ? said : 'stopped',
    }));
    const isAnything = components.some((each) => each.state !== 'stopped');
    // Without its server a cluster is down, whatever a kill left behind.
    const isRunning = components.some((each) => isServer(each.name) && each.state !== 'stopped');
    const storage = isRunning ? await storageOf(layout) : undefined;
    if (options.output === 'json') {
      const report = { name: layout.name, dataDir: layout.dataDir, running: isRunning, components, storage };
      console.log(JSON.stringify(report, null, 2));
    } else if (!isAnything) {
      console.log(`cluster "${layout.name}" is down (${layout.dataDir})`);
    } else {
      printTable(
        ['COMPONENT', 'STATE', 'PID', 'ADDRESS'],
        components.map((c) => [c.name, c.state, String(c.pid), c.address]),
      );
      if (storage) console.log(`\nstore: ${describeStorage(storage)}`);
    }
    if (!isRunning) process.exitCode = exitCodes.notRunning;
  });

/** Undefined when the server does not say. */
async function storageOf(layout: Layout): Promise<StorageStatus | undefined> {
  const { askServer } = await import('../../cluster/socket/control-client.ts');
  return askServer<StorageStatus>(layout, 'GET', '/storage', { timeoutMs: 2000 }).catch(() => undefined);
}

function describeStorage({
  sizeBytes,
  quotaBytes,
  revision,
  compactedRevision,
  encryption,
  alarm,
}: StorageStatus): string {
  const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const share = quotaBytes ? ` of ${megabytes(quotaBytes)} (${Math.floor((100 * sizeBytes) / quotaBytes)} %)` : '';
  const history = `revision ${revision}, history from ${compactedRevision}`;
  const sealed = encryption.rules
    .filter(({ writesWith }) => writesWith !== 'identity')
    .map(({ resources, writesWith }) => `${resources.join(', ')} sealed with ${writesWith}`);
  return [`${megabytes(sizeBytes)}${share}`, history, ...sealed, ...(alarm ? [`ALARM: ${alarm}`] : [])].join('; ');
}
