import { Command } from 'commander';
import { type ClusterOptions, clusterCommand, layoutFrom } from '../cluster-options.ts';

const listCommand = clusterCommand('list')
  .alias('ls')
  .description('list the parts that can be turned on, and whether they are')
  .option('-o, --output <format>', 'json, or a table')
  .action(async (options: ClusterOptions & { output?: string }) => {
    const { listAddons } = await import('../../cluster/addons.ts');
    const found = await listAddons(layoutFrom(options));
    const rows = found.map(({ addon: { name, description }, isEnabled }) => ({ name, isEnabled, description }));
    if (options.output === 'json') return console.log(JSON.stringify(rows, null, 2));
    for (const { name, isEnabled, description } of rows)
      console.log(`${name}\t${isEnabled ? 'enabled' : 'disabled'}\t${description}`);
  });

const enableCommand = clusterCommand('enable')
  .description('turn a part on')
  .argument('<name>', 'vertical-pod-autoscaler (vpa)')
  .action(async (name: string, options: ClusterOptions) => {
    const { enableAddon, findAddon } = await import('../../cluster/addons.ts');
    const addon = findAddon(name);
    const hasChanged = await enableAddon(layoutFrom(options), addon);
    console.log(`${addon.name} ${hasChanged ? 'enabled' : 'is already enabled'}`);
  });

const disableCommand = clusterCommand('disable')
  .description('turn a part off, and delete its objects')
  .argument('<name>', 'vertical-pod-autoscaler (vpa)')
  .action(async (name: string, options: ClusterOptions) => {
    const { disableAddon, findAddon } = await import('../../cluster/addons.ts');
    const addon = findAddon(name);
    const hasChanged = await disableAddon(layoutFrom(options), addon);
    console.log(`${addon.name} ${hasChanged ? 'disabled' : 'is not enabled'}`);
  });

export const addonsCommand = new Command('addons')
  .description('parts that can be turned on and off: list, enable, disable')
  .addCommand(listCommand)
  .addCommand(enableCommand)
  .addCommand(disableCommand);
