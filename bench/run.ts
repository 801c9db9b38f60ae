// `make bench`: every figure, printed and, with BENCH_WRITE=1, kept in docs/benchmarks.md. node bench/run.ts [FIGURE…]
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root, run } from '../test/e2e/cluster.ts';
import { measureApiLoad, measureShapes } from './apiload.ts';
import { measureBoot } from './boot.ts';
import { measureCreateStages } from './create-stages.ts';
import { measureDefinitions } from './definitions.ts';
import { measureEventLoop } from './event-loop.ts';
import { measureFullNode } from './full-node.ts';
import { measureHugeRequests } from './huge-requests.ts';
import { measureIdle } from './idle.ts';
import { measureLargeLists } from './large-lists.ts';
import { measureNodes } from './nodes.ts';
import { measurePodStart } from './pod-start.ts';
import { describeMachine, type Figure, table } from './report.ts';
import { measureScale } from './scale.ts';
import { measureScheduler } from './scheduler.ts';
import { measureServices } from './services.ts';

const all: Readonly<Record<string, () => Promise<Figure[]>>> = {
  boot: measureBoot,
  idle: measureIdle,
  nodes: () => measureNodes(),
  'full-node': () => measureFullNode(),
  'pod-start': measurePodStart,
  apiload: measureApiLoad,
  shapes: measureShapes,
  'create-stages': () => measureCreateStages(),
  'event-loop': () => measureEventLoop(),
  'huge-requests': () => measureHugeRequests(),
  'large-lists': measureLargeLists,
  scale: () => measureScale(),
  scheduler: () => measureScheduler(),
  services: () => measureServices(),
  definitions: measureDefinitions,
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(all);
const machine = describeMachine();
console.log(machine);
const figures: Figure[] = [];
for (const name of wanted) {
  const measure = all[name];
  if (!measure) throw new Error(`there is no figure "${name}"; there are ${Object.keys(all).join(', ')}`);
  console.error(`measuring ${name} …`);
  figures.push(...(await measureOrTell(name, measure)));
}
console.log(table(figures));
if (process.env['BENCH_WRITE'] === '1') await write();

/** One figure that cannot be had does not cost the others. */
async function measureOrTell(name: string, measure: () => Promise<Figure[]>): Promise<Figure[]> {
  try {
    return await measure();
  } catch (error) {
    console.error(`${name} failed:`, error);
    process.exitCode = 1;
    return [];
  }
}

async function write(): Promise<void> {
  const commit = (await run('git', ['rev-parse', '--short', 'HEAD'])).stdout.trim();
  const date = new Date().toISOString().slice(0, 10);
  const notes = await readFile(join(root, 'bench/notes.md'), 'utf8');
  const file = join(root, 'docs/benchmarks.md');
  // What was not measured this time keeps its place.
  const before = process.argv.length > 2 ? await readFile(file, 'utf8') : '';
  const what = before ? `node bench/run.ts ${wanted.join(' ')}` : 'make bench';
  const text = `# Benchmarks

Written by \`BENCH_WRITE=1 ${what}\` on ${date} at ${commit}; not edited by hand. Figures that were not asked for stay as they were.

Machine: ${machine}. Load generator and server share it. Upstream is v1.36.3 with etcd 3.6.8, measured in the same run;
single runs differ by about a fifth. The ratio says how many times better Coracle is than upstream, or than the target
where there is nothing to compare with.

${table(figures, before)}

\`bench/README.md\` says what each figure is and how to get upstream's binaries.

${notes}`;
  await writeFile(file, text);
}
