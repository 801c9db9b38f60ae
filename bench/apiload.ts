// The same load on our API server and on upstream's, in turns on one machine. node bench/apiload.ts [rounds]
// node bench/apiload.ts shapes: pods created and bound on 100, 1,000 and 5,000 nodes, a new cluster for each.
// The program that makes the load is upstream-neutral: it prints "NAME VALUE" lines and takes -kubeconfig and -run.
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubectlProgram, run, TestCluster } from '../test/e2e/cluster.ts';
import { ownProcesses, residentMegabytes } from './processes.ts';
import { type Figure, median, printAlone } from './report.ts';
import { UpstreamControlPlane, upstreamFolder } from './upstream.ts';

/** What is shown of all it prints. */
const shown: readonly { key: string; name: string; unit: string; isCost: boolean }[] = [
  { key: 'create.per_s', name: 'create ConfigMap, 32 in flight', unit: '/s', isCost: false },
  { key: 'create.p99_ms', name: 'create ConfigMap, p99', unit: 'ms', isCost: true },
  { key: 'get.per_s', name: 'get ConfigMap, 32 in flight', unit: '/s', isCost: false },
  { key: 'podcreate.per_s', name: 'create Pod, 32 in flight', unit: '/s', isCost: false },
  { key: 'list.json.ms', name: 'list 10,000 pods, JSON', unit: 'ms', isCost: true },
  { key: 'list.json.cache.ms', name: 'list 10,000 pods, JSON from the cache', unit: 'ms', isCost: true },
  { key: 'list.protobuf.ms', name: 'list 10,000 pods, protobuf', unit: 'ms', isCost: true },
  { key: 'list.table.ms', name: 'list 10,000 pods, Table', unit: 'ms', isCost: true },
  { key: 'list.label.ms', name: 'list 100 of 10,000 pods by label', unit: 'ms', isCost: true },
  { key: 'list.page500.ms', name: 'list 500 of 10,000 pods', unit: 'ms', isCost: true },
  { key: 'fanout.events_per_s', name: '300 events to 1,000 watchers', unit: 'events/s', isCost: false },
  { key: 'fanout.lost', name: 'events lost', unit: '', isCost: true },
  { key: 'resident', name: 'resident after 10,000 pods and 1,000 watchers', unit: 'MB', isCost: true },
  { key: 'sched.pods_per_s', name: '5,000 pods created and bound on 1,000 nodes', unit: 'pods/s', isCost: false },
];

/** After a start, for either: leaders are elected, caches filled, what waits for rest is done. */
const settleMs = 5000;

type Values = ReadonlyMap<string, number>;

export async function measureApiLoad(rounds = 1): Promise<Figure[]> {
  const program = process.env['APILOAD'];
  if (!program || !existsSync(program)) {
    console.error('API load is not measured: set APILOAD to the apiload program (go build in its folder)');
    return [];
  }
  const bin = upstreamFolder();
  const ours: Values[] = [];
  const theirs: Values[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(await loadOurs(program));
    if (bin) theirs.push(await loadUpstream(program, bin));
  }
  const figures: Figure[] = [];
  for (const { key, ...rest } of shown) {
    const [value, upstream] = [middle(ours, key), middle(theirs, key)];
    if (value === undefined) continue;
    figures.push({ ...rest, name: `API: ${rest.name}`, value, ...(upstream === undefined ? {} : { upstream }) });
  }
  return figures;
}

/** Nodes and pods of clusters that are made for one load each. */
const shapes = [
  [100, 5000],
  [1000, 5000],
  [5000, 5000],
] as const;

/** Pods created and bound in clusters of several sizes, beside upstream. */
export async function measureShapes(): Promise<Figure[]> {
  const program = process.env['APILOAD'];
  if (!program || !existsSync(program)) return [];
  const bin = upstreamFolder();
  const figures: Figure[] = [];
  for (const [nodes, pods] of shapes) {
    const flags = ['-run', 'sched', '-nodes', String(nodes), '-pods', String(pods)];
    const measure = async (kubeconfig: string) => {
      await sleep(settleMs);
      const values = new Map<string, number>();
      await drive(program, kubeconfig, flags, values);
      return values.get('sched.pods_per_s');
    };
    const value = await onOurs(measure);
    if (value === undefined) continue;
    const upstream = bin ? await onUpstream(bin, measure) : undefined;
    const name = `API: ${pods.toLocaleString('en')} pods created and bound, new cluster of ${nodes.toLocaleString('en')} nodes`;
    figures.push({ name, value, unit: 'pods/s', isCost: false, ...(upstream === undefined ? {} : { upstream }) });
  }
  return figures;
}

async function onOurs<T>(work: (kubeconfig: string) => Promise<T>): Promise<T> {
  await using cluster = await TestCluster.create({ simulatedNodes: 0 });
  return await work(cluster.kubeconfig);
}

async function onUpstream<T>(bin: string, work: (kubeconfig: string) => Promise<T>): Promise<T> {
  await using plane = await UpstreamControlPlane.start(bin);
  return await work(plane.kubeconfig);
}

async function loadOurs(program: string): Promise<Values> {
  await using cluster = await TestCluster.create({ simulatedNodes: 0 });
  await sleep(settleMs);
  return await load(program, cluster.kubeconfig, () => residentMegabytes(ownProcesses(cluster)));
}

async function loadUpstream(program: string, bin: string): Promise<Values> {
  await using plane = await UpstreamControlPlane.start(bin);
  await sleep(settleMs);
  return await load(program, plane.kubeconfig, () => plane.residentMegabytes());
}

async function load(program: string, kubeconfig: string, resident: () => number): Promise<Values> {
  const values = new Map<string, number>();
  await drive(program, kubeconfig, ['-run', 'create,get,pods,list,fanout'], values);
  values.set('resident', resident());
  await drive(program, kubeconfig, ['-run', 'sched', '-pods', '5000'], values);
  return values;
}

async function drive(program: string, kubeconfig: string, flags: string[], values: Map<string, number>): Promise<void> {
  const PATH = `${process.env['PATH']}:${dirname(kubectlProgram())}`; // it reads the kubeconfig with kubectl
  const output = await run(program, ['-kubeconfig', kubeconfig, ...flags], { timeoutMs: 900_000, env: { PATH } });
  for (const [, key, value] of output.stdout.matchAll(/^(\S+) (-?[\d.]+)$/gm)) values.set(key!, Number(value));
  if (output.stderr) console.error(output.stderr.trim());
}

function middle(all: readonly Values[], key: string): number | undefined {
  const values = all.map((each) => each.get(key)).filter((value) => value !== undefined);
  return values.length > 0 ? median(values) : undefined;
}

if (import.meta.main) {
  const [what = '1'] = process.argv.slice(2);
  await printAlone(what === 'shapes' ? measureShapes : () => measureApiLoad(Number(what)));
}
