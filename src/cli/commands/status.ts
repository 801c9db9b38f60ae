import { exitCodes } from '../../cluster/failure.ts';
import { isAlive, readState } from '../../cluster/state.ts';
import { type ClusterOptions, clusterCommand, layoutFrom } from '../cluster-options.ts';

export const statusCommand = clusterCommand('status')
  .description('say what runs: each component with its pid, address and state; exit code 83 when the cluster is down')
  .option('-o, --output <format>', 'json, or a table')
  .action((options: ClusterOptions & { output?: string }) => {
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
    const isRunning = components.some((each) => each.name === 'apiserver' && each.state !== 'stopped');
    if (options.output === 'json') {
      const report = { name: layout.name, dataDir: layout.dataDir, running: isRunning, components };
      console.log(JSON.stringify(report, null, 2));
    } else if (!isAnything) {
      console.log(`cluster "${layout.name}" is down (${layout.dataDir})`);
    } else {
      const rows = [
        ['COMPONENT', 'STATE', 'PID', 'ADDRESS'],
        ...components.map((c) => [c.name, c.state, String(c.pid), c.address]),
      ];
      const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)) + 3);
      for (const row of rows)
        console.log(
          row
            .map((cell, column) => cell.padEnd(widths[column] ?? 0))
            .join('')
            .trimEnd(),
        );
    }
    if (!isRunning) process.exitCode = exitCodes.notRunning;
  });
