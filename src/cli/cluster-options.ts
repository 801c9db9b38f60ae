import { Command, InvalidArgumentError } from 'commander';
import { clusterNamePattern, defaultClusterName, type Layout, layoutOf } from '../cluster/settings/layout.ts';

export interface ClusterOptions {
  name: string;
  dataDir?: string;
}

/** A command that knows `--name` and `--data-dir`, as every command of ours does. */
export function clusterCommand(name: string): Command {
  return new Command(name)
    .option('--name <name>', 'which cluster', checkName, process.env['CORACLE_NAME'] ?? defaultClusterName)
    .option('--data-dir <folder>', 'where the cluster keeps its state', process.env['CORACLE_DATA_DIR']);
}

export function layoutFrom(options: ClusterOptions): Layout {
  return layoutOf(options.name, options.dataDir);
}

function checkName(value: string): string {
  if (clusterNamePattern.test(value)) return value;
  throw new InvalidArgumentError('use lower-case letters, digits and dashes, at most 32.');
}
