// What one create costs the API server's thread, by stage: a sampling profile of a server under creates, from its source.
// node bench/create-stages.ts [creates]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, run } from '../test/e2e/cluster.ts';
import { WireClient } from '../test/upstream/client.ts';
import { inLanes } from '../test/upstream/recordings.ts';
import { loadPod } from './load-pod.ts';
import { type Figure, printAlone } from './report.ts';
import { freePorts, untilServing } from './serving.ts';

const transport = 'transport: sockets, TLS, HTTP';
const answer = 'answer';
const between = 'between the stages';
/** Frames of these may hold a stage further in. */
const outer = new Set(['', transport, between]);

/** A stage is where a sample's outermost frame of these lies; containers of stages are in none. */
const stages: readonly { readonly name: string; readonly files: RegExp; readonly functions?: RegExp }[] = [
  { name: 'authenticate, authorize', files: /\/apiserver\/(?:authn|authz|filters)\// },
  { name: 'flow control', files: /\/apiserver\/flow-control\// },
  { name: 'decode', files: /\/verbs\/decode-|\/schema\/(?:codec|json-scan|exact-decode)/ },
  { name: 'default, convert', files: /\/verbs\/to-storage/ },
  { name: 'field managers', files: /\/managed-fields\/(?!canonical-object)/ },
  { name: 'admit', files: /\/verbs\/admit|\/apiserver\/admission\// },
  { name: 'encode', files: /\/registry\/write-objects/, functions: /^storedBytes$/ },
  { name: 'encode', files: /\/managed-fields\/canonical-object|\/schema\/canonical/ },
  { name: 'validate', files: /\/src\/api\/|\/registry\/service-/ },
  { name: 'commit', files: /\/registry\/write-objects|\/src\/store\// },
  { name: 'cache, watch', files: /\/registry\/(?:cache-hub|resource-cache|entry|watch-group|bucket)/ },
  { name: answer, files: /\/http\/respond|\/registry\/format|\/apiserver\/audit\/|\/apiserver\/metrics/ },
];
interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export async function measureCreateStages(creates = 10_000): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-bench-'));
  try {
    await profileServer(folder, creates);
    const profile = await mainProfile(folder);
    const perStage = sumByStage(profile);
    const figure = (name: string, microseconds: number): Figure => ({
      name: `create Pod, main thread: ${name}`,
      value: microseconds / creates,
      unit: 'µs',
      isCost: true,
    });
    const rows = [...perStage].filter(([name]) => name !== '').sort(([, left], [, right]) => right - left);
    return [
      figure(
        'all',
        rows.reduce((sum, [, each]) => sum + each, 0),
      ),
      ...rows.map((row) => figure(...row)),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function profileServer(folder: string, creates: number): Promise<void> {
  const [port] = await freePorts(1);
  const own = ['--name', `bench-${process.pid}`, '--data-dir', join(folder, 'data')];
  const kubeconfig = join(folder, 'kubeconfig');
  const flags = ['--only', 'apiserver,controllers', '--nodes', 'simulated:0', '--port', String(port)];
  const profiling = ['--cpu-prof', '--cpu-prof-dir', join(folder, 'profiles'), '--cpu-prof-interval', '250'];
  const server = spawn(
    process.execPath,
    ['--no-warnings', ...profiling, join(root, 'src/cli/main.ts'), 'up', ...own, '--kubeconfig', kubeconfig, ...flags],
    { stdio: 'ignore' },
  );
  const ended = once(server, 'exit');
  try {
    await untilServing(port!);
    while (!existsSync(kubeconfig)) await sleep(20);
    await createPods(kubeconfig, creates);
  } finally {
    server.kill('SIGTERM');
    await ended;
    await run(join(root, 'bin/coracle'), ['delete', ...own]).catch(() => {});
  }
}

async function createPods(kubeconfig: string, creates: number): Promise<void> {
  using client = new WireClient({ kubeconfig, headers: { 'content-type': 'application/json' }, timeoutMs: 60_000 });
  const account = '/api/v1/namespaces/default/serviceaccounts/default';
  while ((await client.request({ method: 'GET', path: account })).code !== 200);
  const names = Array.from({ length: creates }, (_, index) => index);
  await inLanes(names, 32, async (index) => {
    const body = JSON.stringify(loadPod(index));
    const { code } = await client.request({ method: 'POST', path: '/api/v1/namespaces/default/pods', body });
    if (code !== 201) throw new Error(`a create was answered with ${code}`);
  });
}

/** Worker threads write profiles of their own; the API server's is the one with requests in it. */
async function mainProfile(folder: string): Promise<Profile> {
  const inside = join(folder, 'profiles');
  const all = await Promise.all(
    (await readdir(inside)).map(async (name) => JSON.parse(await readFile(join(inside, name), 'utf8')) as Profile),
  );
  const found = all.find(({ nodes }) =>
    nodes.some(({ callFrame }) => callFrame.url.endsWith('/verbs/create-object.ts')),
  );
  if (!found) throw new Error('no profile shows a create');
  return found;
}

/** Microseconds by stage. */
function sumByStage({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const stageOf = new Map<number, string>();
  const children = new Set(nodes.flatMap((node) => node.children ?? []));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const pending = nodes.filter(({ id }) => !children.has(id)).map((node) => ({ node, above: '' }));
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { node, above } = next;
    const isWritten = above === answer && node.callFrame.url.startsWith('node:');
    const stage = isWritten ? transport : outer.has(above) ? stageAt(node) || above : above;
    stageOf.set(node.id, stage);
    for (const id of node.children ?? []) pending.push({ node: byId.get(id)!, above: stage });
  }
  const sums = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const stage = stageOf.get(id)!;
    sums.set(stage, (sums.get(stage) ?? 0) + timeDeltas[index]!);
  }
  return sums;
}

function stageAt({ callFrame: { functionName, url } }: ProfileNode): string {
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (url === '' || functionName === '(root)') return '';
  if (url.startsWith('node:')) return transport;
  const stage = stages.find(
    ({ files, functions }) => files.test(url) && (functions === undefined || functions.test(functionName)),
  );
  if (stage) return stage.name;
  return /\/src\/(?:apiserver|base)\//.test(url) ? between : '';
}

if (import.meta.main) await printAlone(() => measureCreateStages(Number(process.argv[2] ?? 10_000)));
