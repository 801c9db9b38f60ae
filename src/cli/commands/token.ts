import { Command } from 'commander';
import type { CreatedToken, TokenLine } from '../../cluster/tokens.ts';
import { type ClusterOptions, clusterCommand, layoutFrom } from '../cluster-options.ts';

import { printTable } from '../print-table.ts';
import { parseDuration } from '../storage-flags.ts';

async function ask<T>(options: ClusterOptions, method: 'GET' | 'POST', path: string): Promise<T> {
  const { askServer } = await import('../../cluster/socket/control-client.ts');
  return askServer<T>(layoutFrom(options), method, path);
}

interface CreateOptions extends ClusterOptions {
  ttl?: number;
  description?: string;
  groups?: string[];
  usages?: string[];
  printJoinCommand?: boolean;
}

const words = (text: string) => text.split(',');

const createCommand = clusterCommand('create')
  .description('make a token that lets machines join')
  .argument('[token]', 'this one, instead of one nobody has guessed')
  .option('--ttl <duration>', 'how long it is good; 0 for ever (default 15m)', parseDuration)
  .option('--description <text>', 'what it is for')
  .option('--groups <groups>', 'who comes with it is in these', words)
  .option('--usages <usages>', 'signing, authentication (default both)', words)
  .option('--print-join-command', 'print what to type on the machine that is to join')
  .action(async (token: string | undefined, options: CreateOptions) => {
    const query = new URLSearchParams();
    if (token !== undefined) query.set('token', token);
    if (options.ttl !== undefined) query.set('ttl-ms', String(options.ttl));
    if (options.description) query.set('description', options.description);
    for (const group of options.groups ?? []) query.append('group', group);
    for (const usage of options.usages ?? []) query.append('usage', usage);
    const created = await ask<CreatedToken>(options, 'POST', `/tokens/create?${query}`);
    if (!options.printJoinCommand) return console.log(created.token);
    const pin = `--discovery-token-ca-cert-hash ${created.caHash}`;
    console.log(`coracle join ${created.server} --token ${created.token} ${pin}`);
  });

const listCommand = clusterCommand('list')
  .alias('ls')
  .description('the tokens there are')
  .option('-o, --output <format>', 'json, or a table')
  .action(async (options: ClusterOptions & { output?: string }) => {
    const tokens = await ask<TokenLine[]>(options, 'GET', '/tokens');
    if (options.output === 'json') return console.log(JSON.stringify(tokens, null, 2));
    const left = (expires: string) => (expires ? timeLeft(Date.parse(expires) - Date.now()) : '<forever>');
    printTable(
      ['TOKEN', 'TTL', 'EXPIRES', 'USAGES', 'DESCRIPTION', 'EXTRA GROUPS'],
      tokens.map(({ token, expires, usages, description, groups }) => [
        token,
        left(expires),
        expires || '<never>',
        usages.join(','),
        description || '<none>',
        groups.join(',') || '<none>',
      ]),
    );
  });

/** `23h`, `14m`, `40s`: its largest unit. */
function timeLeft(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)}h`;
  return seconds >= 60 ? `${Math.floor(seconds / 60)}m` : `${seconds}s`;
}

const deleteCommand = clusterCommand('delete')
  .description('let nobody in with this token any more')
  .argument('<token>', 'the token, or its first six letters')
  .action(async (token: string, options: ClusterOptions) => {
    const { id } = await ask<{ id: string }>(options, 'POST', `/tokens/delete?token=${encodeURIComponent(token)}`);
    console.log(`bootstrap token "${id}" deleted`);
  });

const generateCommand = new Command('generate')
  .description('print a token nobody has guessed, and tell no cluster of it')
  .action(async () => {
    const [{ generateToken }, { systemRandom }] = await Promise.all([
      import('../../cluster/tokens.ts'),
      import('../../base/random.ts'),
    ]);
    const { id, secret } = generateToken(systemRandom);
    console.log(`${id}.${secret}`);
  });

export const tokenCommand = new Command('token')
  .description('tokens that let machines join: create, list, delete, generate')
  .addCommand(createCommand)
  .addCommand(listCommand)
  .addCommand(deleteCommand)
  .addCommand(generateCommand);
