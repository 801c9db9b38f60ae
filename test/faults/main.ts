// `make faults [SEED=7] [ONLY=disk-full] [SCALE=0.1]`: a node loses its parts while fifty pods come and go. In the end pods and
// containers must agree, and when the pods are gone nothing may be left of them.
import { parseArgs } from 'node:util';
import { seededRandom } from '../../src/base/random.ts';
import { whyNoContainers } from '../e2e/cluster.ts';
import { startChurn } from './churn.ts';
import { type Fault, faults, SmallDisk } from './faults.ts';
import { FaultyNode } from './node.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string', default: '' },
    /** 1: ten minutes without an API; 0.1: one. */
    scale: { type: 'string', default: '0.1' },
    pods: { type: 'string', default: '50' },
  },
});
const why = whyNoContainers();
if (why) throw new Error(`no node can fail here: it ${why}`);

const began = performance.now();
const say = (text: string) => console.log(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${text}`);
const seed = Number(values.seed);
say(`seed ${seed}`);
let failed = 0;
for (const [index, fault] of faults.entries()) {
  if (values.only && fault.name !== values.only) continue;
  try {
    await suffer(fault, seed + index);
    say(`${fault.name}: nothing is lost, nothing is left`);
  } catch (error) {
    failed++;
    say(`${fault.name}: FAILED (SEED=${seed} ONLY=${fault.name}): ${wordsOf(error)}`);
  }
}
process.exitCode = failed > 0 ? 1 : 0;

async function suffer(fault: Fault, seed: number): Promise<void> {
  using disk = fault.diskMegabytes ? new SmallDisk(fault.diskMegabytes) : undefined;
  const dataDir = disk && `${disk.folder}/d`;
  await using node = await FaultyNode.start({ dataDir, ownClock: fault.ownClock });
  const random = seededRandom(seed);
  const churn = await startChurn(node.client, random, Number(values.pods));
  await node.until('pods run', async () => ((await node.pods()).length >= Number(values.pods) / 2 ? '' : 'too few'));
  say(`${fault.name}: ${(await node.pods()).length} pods`);
  try {
    await fault.inflict({ node, random, scale: Number(values.scale), say });
    const { made, deleted } = await churn.stop();
    say(`${fault.name}: ${made} pods were made, ${deleted} deleted`);
    await node.untilConverged();
    say(`${fault.name}: pods and containers agree`);
    await node.untilNothingIsLeft();
  } catch (error) {
    await churn.stop();
    say(`${fault.name}: logs are in ${await node.keepLogs()}`);
    throw error;
  }
}

/** Also of what went wrong before something else did. */
function wordsOf(error: unknown): string {
  if (error instanceof SuppressedError) return `${wordsOf(error.suppressed)}; then ${wordsOf(error.error)}`;
  return error instanceof Error ? error.message : String(error);
}
