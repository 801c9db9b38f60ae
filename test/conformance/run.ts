// `make conformance [FOCUS=sig-apps | FOCUS='part of a name'] [PROCS=4] [PART=parallel|serial] [KEEP=1] [SKIP_KNOWN=1] [ALL=1]`.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { hostAddress } from '../../src/cluster/settings/settings.ts';
import { ensureArchives } from './archives.ts';
import { clusterKubeconfig, deleteCluster, ensureCluster, program } from './cluster.ts';
import { command } from './command.ts';
import { type Part, runSpecs } from './ginkgo.ts';
import { compare, readNotPassing } from './not-passing.ts';
import { places, repository } from './places.ts';
import { ensurePrograms } from './programs.ts';
import { Registry } from './registry.ts';
import { outcomesAt, writeResult } from './results.ts';
import { isIn, parseFocus, type Scope, specsOf } from './specs.ts';
import { summary, updateTable } from './table.ts';

const { values } = parseArgs({
  options: {
    focus: { type: 'string', default: '' },
    procs: { type: 'string', default: '4' },
    part: { type: 'string', default: '' },
    keep: { type: 'boolean', default: false },
    /** Specs that are not conformance too; needs a focus. */
    all: { type: 'boolean', default: false },
    /** Leaves out what is in not-passing.json. */
    'skip-known': { type: 'boolean', default: false },
  },
});
const focus = parseFocus(values.focus);
const scope: Scope = values.all ? 'all' : 'conformance';
if (values.all && !values.focus) throw new Error('ALL=1 needs a FOCUS: the rest of the suite asks for clouds');
const parts = values.part ? [values.part as Part] : (['parallel', 'serial'] as const);

await ensurePrograms();
const specs = await specsOf(scope);
if (!specs.some((name) => isIn(focus, name)))
  throw new Error(`no ${scope === 'all' ? '' : 'conformance '}spec for FOCUS=${values.focus}`);
const archives = await ensureArchives();
const registry = new Registry();
for (const archive of archives) await registry.add(archive);
const url = await registry.listen(hostAddress()); // nodes in namespaces of their own do not see our loopback
const started = new Date();
const folder = join(places.results, `${started.toISOString().slice(0, 19).replaceAll(':', '')}-${process.pid}`);
mkdirSync(folder);
try {
  await ensureCluster(archives, url);
  const processes = Number(values.procs);
  const without = values['skip-known'] ? Object.keys(readNotPassing()) : [];
  const outcomes = await runSpecs({ focus, scope, kubeconfig: clusterKubeconfig, processes, folder, parts, without });
  await tell(outcomes);
} finally {
  registry.close();
  if (!values.keep) await deleteCluster();
}

async function tell(outcomes: Awaited<ReturnType<typeof runSpecs>>): Promise<void> {
  const { fallen, known, risen, unknown } = compare(outcomes, readNotPassing(), specs);
  const firstLine = (message: string) => message.split('\n')[0];
  for (const { name, message } of known) console.log(`known to fail  ${name}\n    ${firstLine(message)}`);
  for (const { name } of risen) console.log(`passes now, take it out of not-passing.json  ${name}`);
  for (const name of unknown) console.log(`no such spec, take it out of not-passing.json  ${name}`);
  for (const { name, message } of fallen) console.log(`FAILS, AND PASSED BEFORE  ${name}\n    ${firstLine(message)}`);
  const commit = (await command('git', ['rev-parse', '--short', 'HEAD'], { cwd: dirname(program) })).trim();
  const page = join(repository, 'docs/conformance.md');
  const facts = { date: started.toISOString().slice(0, 10), commit };
  writeResult(folder, outcomes, values.focus ? undefined : facts);
  const counted = values.focus ? outcomes : outcomesAt(commit, places.results);
  const covered = updateTable(page, counted, specs, facts);
  console.log(`\n${summary(outcomes)}`);
  const seconds = ((Date.now() - started.getTime()) / 1000).toFixed(0);
  console.log(`${seconds} s; results: ${folder}${covered.length > 0 ? `; ${covered.join(', ')} → ${page}` : ''}`);
  if (fallen.length + unknown.length > 0 || outcomes.length === 0) process.exitCode = 1;
}
