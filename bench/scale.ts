// A large cluster in the store: 150,000 pods on 5,000 nodes. How long a start takes, what it holds, how long lists and
// watches take; and the same for a tenth, to see that all grows with the objects, and nothing with their history.
// node bench/scale.ts [pods]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { objectKey, resourcePrefix } from '../src/apiserver/registry/storage-key.ts';
import { admin, serve } from '../src/apiserver/testing/serve.ts';
import { openSqliteStore } from '../src/store/engines/sqlite.ts';
import type { Store } from '../src/store/store.ts';
import { run } from '../test/e2e/cluster.ts';
import { loadPod } from './load-pod.ts';
import { type Figure, printAlone } from './report.ts';

const podsPrefix = resourcePrefix({ group: '', plural: 'pods' });
const nodesPrefix = resourcePrefix({ group: '', plural: 'nodes' });
const batch = 500;
const podsPerNode = 30;
const historyWrites = 20_000;

interface Measured {
  readonly startMs: number;
  readonly residentMb: number;
  readonly listMs: number;
  readonly pageMs: number;
  readonly nodeMs: number;
  readonly watchMs: number;
  readonly historyMb: number;
}

export async function measureScale(pods = 150_000): Promise<Figure[]> {
  const small = await apart(pods / 10);
  const large = await apart(pods);
  const figure = (name: string, value: number, unit: string): Figure => ({
    name: `${pods.toLocaleString('en')} pods, ${Math.ceil(pods / podsPerNode).toLocaleString('en')} nodes: ${name}`,
    value,
    unit,
    isCost: true,
  });
  const ratio = (key: keyof Measured) => large[key] / small[key];
  return [
    figure('start', large.startMs / 1000, 's'),
    figure('start, against a tenth of them', ratio('startMs'), '×'),
    figure('resident', large.residentMb, 'MB'),
    figure('resident, against a tenth of them', ratio('residentMb'), '×'),
    figure('list of all, JSON', large.listMs, 'ms'),
    figure('list of all, against a tenth of them', ratio('listMs'), '×'),
    figure('list of 500', large.pageMs, 'ms'),
    figure('list of one node’s pods', large.nodeMs, 'ms'),
    figure('from a write to its watcher', large.watchMs, 'ms'),
    figure(`live memory more after ${historyWrites.toLocaleString('en')} updates of one pod`, large.historyMb, 'MB'),
  ];
}

/** Each in a process of its own, so that neither sees the other's garbage. */
async function apart(pods: number): Promise<Measured> {
  const flags = ['--no-warnings', '--expose-gc'];
  const { code, stdout, stderr } = await run(
    process.execPath,
    [...flags, import.meta.filename, 'apart', String(pods)],
    {
      timeoutMs: 900_000,
    },
  );
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Measured;
}

async function measure(pods: number): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-bench-'));
  try {
    await fill(join(folder, 'store.db'), pods);
    return await look(join(folder, 'store.db'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Objects as a server has stored them, written past it: creating them one by one is another figure. */
async function fill(file: string, pods: number): Promise<void> {
  const store: Store = await openSqliteStore({ file });
  const put = (key: string, object: object) => ({ key, value: Buffer.from(JSON.stringify(object)) });
  const uid = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
  const metadata = (name: string, index: number) => ({
    name,
    uid: uid(index),
    creationTimestamp: '2026-01-02T03:04:05Z',
  });
  for (let from = 0; from < pods; from += batch) {
    const count = Math.min(batch, pods - from);
    const writes = Array.from({ length: count }, (_, at) => {
      const index = from + at;
      const { spec, metadata: own } = loadPod(index);
      const namespace = `ns-${index % 100}`;
      const name = `pod-${String(index).padStart(6, '0')}`;
      return put(objectKey(podsPrefix, namespace, name), {
        kind: 'Pod',
        apiVersion: 'v1',
        metadata: { ...metadata(name, index), namespace, labels: own.labels },
        spec: { ...spec, nodeName: `node-${Math.floor(index / podsPerNode)}` },
        status: { phase: 'Running' },
      });
    });
    await store.commit(writes);
  }
  for (let from = 0; from < pods / podsPerNode; from += batch) {
    const count = Math.min(batch, Math.ceil(pods / podsPerNode) - from);
    const nodes = Array.from({ length: count }, (_, at) =>
      put(objectKey(nodesPrefix, '', `node-${from + at}`), {
        kind: 'Node',
        apiVersion: 'v1',
        metadata: metadata(`node-${from + at}`, from + at),
        spec: {},
        status: {},
      }),
    );
    await store.commit(nodes);
  }
  await store[Symbol.asyncDispose]();
}

/** What is in use: pages that the collector keeps for the next burst are no growth. */
function liveMegabytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

function megabytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().rss / 2 ** 20;
}

async function look(file: string): Promise<Measured> {
  const before = megabytes();
  const began = performance.now();
  await using api = await serve({ store: await openSqliteStore({ file }) });
  const startMs = performance.now() - began;
  const residentMb = megabytes() - before;
  const drain = async (path: string) => {
    const start = performance.now();
    const response = await api.server.handleInProcess(admin, { method: 'GET', path });
    for await (const _ of response.stream());
    return performance.now() - start;
  };
  const least = async (path: string, times = 5) => {
    const all: number[] = [];
    for (let time = 0; time < times; time++) all.push(await drain(path));
    return Math.min(...all);
  };
  const listMs = await least('/api/v1/pods');
  const pageMs = await least('/api/v1/pods?limit=500');
  await drain('/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-7'); // makes the index
  const nodeMs = await least('/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-8');
  const pod = '/api/v1/namespaces/ns-0/pods/pod-000000';
  const patch = { 'content-type': 'application/merge-patch+json' };
  const change = (value: number) => api.call('PATCH', pod, { metadata: { labels: { v: String(value) } } }, patch);
  const watch = await api.open(
    `/api/v1/pods?watch=1&resourceVersion=${(await change(0)).body.metadata.resourceVersion}`,
  );
  const events = watch.stream()[Symbol.asyncIterator]();
  const wrote = performance.now();
  const [watchMs] = await Promise.all([events.next().then(() => performance.now() - wrote), change(1)]);
  await events.return?.();
  const heavy = liveMegabytes();
  for (let write = 0; write < historyWrites; write += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, at) => change(2 + write + at)));
  }
  return { startMs, residentMb, listMs, pageMs, nodeMs, watchMs, historyMb: liveMegabytes() - heavy };
}

if (process.argv[2] === 'apart') {
  console.log(JSON.stringify(await measure(Number(process.argv[3]))));
  process.exit();
}
if (import.meta.main) await printAlone(() => measureScale(Number(process.argv[2] ?? 150_000)));
