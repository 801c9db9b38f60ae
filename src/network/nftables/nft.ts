// Hands transactions to nft as JSON. nft opens its input by name, which a pipe of ours does not have; so the JSON goes
// through a file that loses its name at once and is gone with us, however we end.
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { CommandFailure, runCommand, runWithInput } from '../run-command.ts';
import type { PacketFamily } from './rule-set.ts';

/** One entry of libnftables-json(5). */
export type Command = Readonly<Record<string, unknown>>;

export interface Nft {
  /** All of the commands or none. @throws CommandFailure */
  apply(commands: readonly Command[]): Promise<void>;
  /** Whether the kernel would take the commands. Changes nothing. */
  accepts(commands: readonly Command[]): Promise<boolean>;
  /** Default: a table of IPv4. */
  hasTable(name: string, family?: PacketFamily): Promise<boolean>;
}

/** Of addresses, and of the bridge's frames. */
const families = ['ip', 'ip6', 'bridge'];

export const nft: Nft = {
  apply: (commands) => hand(commands),
  accepts: (commands) =>
    hand(commands, '--check').then(
      () => true,
      () => false,
    ),
  async hasTable(name, family = 'ip') {
    const { nftables } = JSON.parse(await runCommand('nft', ['-j', 'list', 'tables', family])) as {
      nftables: { table?: { name: string } }[];
    };
    return nftables.some(({ table }) => table?.name === name);
  },
};

async function hand(commands: readonly Command[], ...flags: readonly string[]): Promise<void> {
  if (commands.length === 0) return;
  const path = join(tmpdir(), `coracle-nft-${randomUUID()}`);
  // Without a thread in between, which a single change would wait for several times.
  const file = openSync(path, 'wx+', 0o600);
  try {
    rmSync(path);
    let isFirst = true;
    for (const piece of inPieces(commands)) {
      if (!isFirst) await setImmediate();
      isFirst = false;
      writeFileSync(file, piece);
    }
    await runWithInput('nft', [...flags, '-j', '-f', '-'], file);
  } finally {
    closeSync(file);
  }
}

const pieceLength = 64 * 1024;

/** Other work goes on while much is written. */
function* inPieces(commands: readonly Command[]): Generator<string> {
  let piece = '{"nftables":[';
  for (const [index, command] of commands.entries()) {
    piece += (index > 0 ? ',' : '') + JSON.stringify(command);
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}]}`;
}

/** The table, there and empty. */
export function emptyTable(family: string, name: string): Command[] {
  const table = { table: { family, name } };
  // The first line is there so that the next finds one.
  return [{ add: table }, { delete: table }, { add: table }];
}

/** Takes the tables of this name away, and with it every rule of the cluster. May be repeated. */
export async function removeTable(name: string): Promise<void> {
  const tables = families.map((family) => ({ table: { family, name } }));
  try {
    await nft.apply(tables.flatMap((table) => [{ add: table }, { delete: table }]));
  } catch (error) {
    // Without nft there are no rules of ours either.
    if (!(error instanceof CommandFailure && error.isMissing)) throw error;
  }
}
