// kill -9 under write load, again and again on the same store: everything that was acknowledged is there, at its revision.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { openSqliteStore } from '../../src/store/engines/sqlite.ts';

const script = join(import.meta.dirname, '../../src/store/testdata/write-until-killed.ts');

export interface KillFigures {
  readonly rounds: number;
  readonly acknowledged: number;
}

export async function runKills(rounds: number, seed: number, onRound = (_round: number) => {}): Promise<KillFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-kill-'));
  const file = join(folder, 'store', 'state.db');
  const random = seededRandom(seed);
  let acknowledged = 0;
  try {
    for (let round = 1; round <= rounds; round++) {
      const lines = await writeUntilKilled(file, random);
      acknowledged += lines.length;
      await verify(file, lines);
      onRound(round);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { rounds, acknowledged };
}

/** What the writer had been acknowledged, and said, before it was killed. */
async function writeUntilKilled(file: string, random: Random): Promise<string[]> {
  const count = 1 + Math.floor(random.next() * 3000);
  const child = spawn(process.execPath, ['--no-warnings', script, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let said = 0;
  for await (const chunk of child.stdout) {
    output += chunk;
    for (const char of String(chunk)) if (char === '\n') said++;
    if (said > count) child.kill('SIGKILL');
  }
  return output.split('\n').slice(0, -1);
}

async function verify(file: string, lines: readonly string[]): Promise<void> {
  await using store = await openSqliteStore({ file });
  for (const line of lines) {
    const [revision, writer, n] = line.split(' ').map(Number) as [number, number, number];
    const found = await store.get(`/w${writer}/${n % 50}`, revision);
    const isThere =
      found?.modRevision === revision && Buffer.from(found.value).toString().startsWith(`${writer}:${n}:`);
    if (!isThere) throw new Error(`write ${n} of writer ${writer}, acknowledged at ${revision}, is lost`);
  }
  await store.compact(store.revision);
}
