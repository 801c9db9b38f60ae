import { Command } from 'commander';
import type { StorageStatus } from '../../cluster/storage/storage.ts';
import { type ClusterOptions, clusterCommand, layoutFrom } from '../cluster-options.ts';

async function ask<T>(options: ClusterOptions, method: 'GET' | 'POST', path: string): Promise<T> {
  const { askServer } = await import('../../cluster/socket/control-client.ts');
  return askServer<T>(layoutFrom(options), method, path);
}

const statusCommand = clusterCommand('status')
  .description('say what is encrypted at rest, and with which key')
  .option('-o, --output <format>', 'json, or a table')
  .action(async (options: ClusterOptions & { output?: string }) => {
    const { encryption } = await ask<StorageStatus>(options, 'GET', '/storage');
    if (options.output === 'json') return console.log(JSON.stringify(encryption, null, 2));
    for (const { resources, writesWith } of encryption.rules) console.log(`${resources.join(', ')}: ${writesWith}`);
    console.log(`keys: ${encryption.file}`);
  });

const rewriting = (name: string, description: string) =>
  clusterCommand(name)
    .description(description)
    .action(async (options: ClusterOptions) => {
      const { examined, rewritten } = await ask<{ examined: number; rewritten: number }>(
        options,
        'POST',
        `/encryption/${name}`,
      );
      console.log(`${rewritten} of ${examined} values were encrypted again`);
    });

export const encryptionCommand = new Command('encryption')
  .description('encryption at rest: status, rotate, rewrite, prune')
  .addCommand(statusCommand)
  .addCommand(rewriting('rotate', 'make a new key and write every encrypted value again with it'))
  .addCommand(
    rewriting('rewrite', 'read the configuration again and write again what is stored otherwise than it says'),
  )
  .addCommand(rewriting('prune', 'forget the keys, and the history, that nothing is read with any longer'));
