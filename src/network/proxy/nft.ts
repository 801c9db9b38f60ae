// Hands transactions to nft as JSON in a file: nft opens its input by name, and a pipe of ours has none.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandFailure, runCommand } from '../run-command.ts';
import type { Command } from './base-rules.ts';

export interface Nft extends AsyncDisposable {
  /** All of the commands or none. @throws CommandFailure */
  apply(commands: readonly Command[]): Promise<void>;
  /** Whether the kernel would take the commands. Changes nothing. */
  accepts(commands: readonly Command[]): Promise<boolean>;
  hasTable(name: string): Promise<boolean>;
}

export async function openNft(): Promise<Nft> {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-nft-')); // mode 0700
  const file = join(folder, 'transaction.json');
  const hand = async (commands: readonly Command[], ...flags: readonly string[]) => {
    if (commands.length === 0) return;
    await writeFile(file, JSON.stringify({ nftables: commands }), { mode: 0o600 });
    await runCommand('nft', [...flags, '-j', '-f', file]);
  };
  return {
    apply: (commands) => hand(commands),
    accepts: (commands) =>
      hand(commands, '--check').then(
        () => true,
        () => false,
      ),
    async hasTable(name) {
      const { nftables } = JSON.parse(await runCommand('nft', ['-j', 'list', 'tables', 'ip'])) as {
        nftables: { table?: { name: string } }[];
      };
      return nftables.some(({ table }) => table?.name === name);
    },
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Takes the table away, and with it every rule of the cluster. May be repeated. */
export async function removeTable(name: string): Promise<void> {
  const table = { table: { family: 'ip', name } };
  await using nft = await openNft();
  try {
    await nft.apply([{ add: table }, { delete: table }]);
  } catch (error) {
    // Without nft there are no rules of ours either.
    if (!(error instanceof CommandFailure && error.isMissing)) throw error;
  }
}
