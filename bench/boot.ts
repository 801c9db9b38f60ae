// From `coracle up --detach`, images present and no state, to: API ready, node Ready, first pod Ready.
// node bench/boot.ts [rounds]
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TestCluster, whyNoContainers } from '../test/e2e/cluster.ts';
import { clientOf, startPods } from './pod-latency.ts';
import { type Figure, median, printAlone } from './report.ts';
import { freePorts, untilServing } from './serving.ts';
import { UpstreamControlPlane, upstreamFolder } from './upstream.ts';

export async function measureBoot(rounds = 3): Promise<Figure[]> {
  const why = whyNoContainers();
  if (why) {
    console.error(`boot is not measured: it ${why}`);
    return [];
  }
  const port = (await freePorts(1))[0]!;
  const times: { api: number; node: number; pod: number }[] = [];
  {
    await using cluster = await TestCluster.create({ flags: ['--port', String(port)] });
    await cluster.loadImages('pause', 'nginx');
    for (let round = 0; round < rounds; round++) times.push(await bootOnce(cluster, port));
  }
  const upstream = await upstreamReadyMs(rounds);
  const at = (step: 'api' | 'node' | 'pod') => median(times.map((each) => each[step])) / 1000;
  const figure = (name: string, value: number, target: number): Figure => ({
    name: `boot: ${name}`,
    value,
    unit: 's',
    isCost: true,
    target,
  });
  return [
    { ...figure('API ready', at('api'), 1), ...(upstream === undefined ? {} : { upstream: upstream / 1000 }) },
    figure('node Ready', at('node'), 3),
    figure('first nginx pod Ready', at('pod'), 5),
  ];
}

async function bootOnce(cluster: TestCluster, port: number) {
  await cluster.coracle(['down']);
  await rm(join(cluster.dataDir, 'store'), { recursive: true });
  const began = performance.now();
  const booting = cluster.up();
  await untilServing(port);
  const api = performance.now() - began;
  await booting;
  const node = performance.now() - began;
  await using access = await clientOf(cluster);
  const [pod] = await startPods(access.client, ['first']);
  return { api, node, pod: node + pod! };
}

async function upstreamReadyMs(rounds: number): Promise<number | undefined> {
  const bin = upstreamFolder();
  if (!bin) return undefined;
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await using plane = await UpstreamControlPlane.start(bin);
    times.push(plane.apiReadyMs);
  }
  return median(times);
}

if (import.meta.main) await printAlone(() => measureBoot(Number(process.argv[2] ?? 3)));
