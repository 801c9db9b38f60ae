// Many pods on many simulated nodes: until all run, through a rollout of all of them, until a full namespace is gone; what
// the API answers meanwhile, and what processor time and memory it takes, by thread.
// node bench/rollout.ts [nodes] [pods]
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Deployment } from '../generated/apps-v1.ts';
import { configMapKind, deploymentKind, namespaceKind } from '../generated/kinds.ts';
import type { Client } from '../src/client/client.ts';
import { TestCluster } from '../test/e2e/cluster.ts';
import { clientOf } from './pod-latency.ts';
import { cpuSeconds, ownProcesses, residentMegabytes } from './processes.ts';
import { type Figure, printAlone, quantile } from './report.ts';

const replicas = 500;
const objects = 10_000;
const idleMs = 15_000;
const probeMs = 20;
const lookMs = 500;
const parallel = 32;

export async function measureRollout(nodes = 1_000, pods = 30_000): Promise<Figure[]> {
  const began = performance.now();
  await using cluster = await TestCluster.create({ simulatedNodes: nodes });
  const upSeconds = (performance.now() - began) / 1000;
  await using connection = await clientOf(cluster);
  const { client } = connection;
  const pids = ownProcesses(cluster);
  const figures: Figure[] = [];
  const scene = `${pods.toLocaleString('en')} pods, ${nodes.toLocaleString('en')} nodes`;
  const add = (name: string, value: number, unit: string) =>
    figures.push({ name: `${scene}: ${name}`, value, unit, isCost: true });
  add('up, all nodes Ready', upSeconds, 's');
  const idleFrom = cpuSeconds(pids);
  await sleep(idleMs);
  add('processor at rest', ((cpuSeconds(pids) - idleFrom) / idleMs) * 100_000, '% of a core');
  add('memory at rest', residentMegabytes(pids), 'MB');
  const stage = async (name: string, work: () => Promise<void>) => {
    const before = threadSeconds(pids);
    const probing = probe(client, pids);
    const from = performance.now();
    const seconds = await work()
      .then(() => (performance.now() - from) / 1000)
      .finally(() => probing.stop());
    const { latencies, peakMegabytes } = await probing.stop();
    const used = spent(before, threadSeconds(pids));
    add(name, seconds, 's');
    add(
      `${name}: processor`,
      [...used.values()].reduce((sum, each) => sum + each, 0),
      's',
    );
    add(`${name}: a small get, p50`, quantile(latencies, 0.5), 'ms');
    add(`${name}: a small get, p99`, quantile(latencies, 0.99), 'ms');
    add(`${name}: memory at most`, peakMegabytes, 'MB');
    console.error(
      `${name}: ${seconds.toFixed(1)} s; ${[...used].map(([t, s]) => `${t} ${s.toFixed(1)} s`).join(', ')}`,
    );
  };
  const names = Array.from({ length: Math.ceil(pods / replicas) }, (_, index) => `web-${index}`);
  const isDone = ({ metadata, spec, status }: Deployment) =>
    status?.observedGeneration === metadata.generation &&
    status?.readyReplicas === spec?.replicas &&
    status?.updatedReplicas === spec?.replicas &&
    status?.replicas === spec?.replicas;
  const untilDone = async () => {
    for (;;) {
      const { items } = await client.resource(deploymentKind).list({ namespace: 'default' });
      if (items.length === names.length && items.every(isDone)) return;
      await sleep(lookMs);
    }
  };
  await stage('all Ready', async () => {
    await inParallel(names, (name) => client.resource(deploymentKind).create(deployment(name)));
    await untilDone();
  });
  await stage('rollout of all', async () => {
    await inParallel(names, (name) =>
      client
        .resource(deploymentKind)
        .patch(
          { namespace: 'default', name },
          { spec: { template: { metadata: { annotations: { round: '2' } } } } },
          { type: 'strategic' },
        ),
    );
    await untilDone();
  });
  const namespace = 'full';
  await client.resource(namespaceKind).create({ metadata: { name: namespace } } as never);
  const maps = Array.from({ length: objects }, (_, index) => `map-${index}`);
  await inParallel(maps, (name) =>
    client.resource(configMapKind).create({ metadata: { name, namespace }, data: { key: 'value' } }),
  );
  await stage(`namespace with ${objects.toLocaleString('en')} ConfigMaps gone`, async () => {
    await client.resource(namespaceKind).delete({ namespace: '', name: namespace });
    while (await client.resource(namespaceKind).find({ namespace: '', name: namespace })) await sleep(lookMs / 5);
  });
  add('events dropped', eventsDropped(cluster.folder), '');
  return figures;
}

/** What the log tells of, in the cluster's whole life. */
function eventsDropped(folder: string): number {
  const logs = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('server.log'));
  const lines = logs.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
  const counts = lines.map((line) => /events dropped.*?count"?[=:] ?(\d+)/.exec(line)?.[1]);
  return counts.reduce((sum, count) => sum + Number(count ?? 0), 0);
}

function deployment(name: string): Deployment {
  const labels = { app: name };
  const resources = { requests: { cpu: '100m', memory: '64Mi' } };
  return {
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx', resources }] } },
    },
  } as unknown as Deployment;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function inParallel<T>(items: readonly T[], action: (item: T) => Promise<unknown>): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await action(item);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

/** Small reads, one after the other, as somebody has who only wants to look; and how much memory is taken meanwhile. */
function probe(client: Client, pids: readonly number[]) {
  const latencies: number[] = [];
  let peakMegabytes = 0;
  let isOver = false;
  const running = (async () => {
    while (!isOver) {
      const from = performance.now();
      await client.resource(namespaceKind).get({ namespace: '', name: 'default' });
      latencies.push(performance.now() - from);
      peakMegabytes = Math.max(peakMegabytes, residentMegabytes(pids));
      await sleep(probeMs);
    }
  })();
  return {
    async stop() {
      isOver = true;
      await running;
      return { latencies, peakMegabytes };
    },
  };
}

/** Processor seconds of each thread, by its name. */
function threadSeconds(pids: readonly number[]): Map<string, number> {
  const seconds = new Map<string, number>();
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const folder = join(`/proc/${pid}/task`, thread);
      const stat = readFileSync(join(folder, 'stat'), 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const name = Number(thread) === pid ? 'main' : readFileSync(join(folder, 'comm'), 'utf8').trim();
      seconds.set(name, (seconds.get(name) ?? 0) + (Number(fields[11]) + Number(fields[12])) / 100);
    }
  }
  return seconds;
}

function spent(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...after].map(([name, each]) => [name, each - (before.get(name) ?? 0)]));
}

if (import.meta.main) {
  const [nodes, pods] = process.argv.slice(2).map(Number);
  await printAlone(() => measureRollout(nodes, pods));
}
