// Streams of a real node, by kubectl: round trip of exec, and bytes a second through it and back, with nothing lost.
// node bench/streams.ts [MIB]
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { kubectlProgram, TestCluster, whyNoContainers } from '../test/e2e/cluster.ts';
import { type Figure, median, printAlone } from './report.ts';

const roundTrips = 10;
const chunk = Buffer.alloc(2 ** 20, 'coracle ');

export async function measureStreams(mebibytes = 64): Promise<Figure[]> {
  const why = whyNoContainers();
  if (why) {
    console.error(`streams are not measured: it ${why}`);
    return [];
  }
  await using cluster = await TestCluster.create();
  await cluster.loadImages('pause', 'nginx');
  await cluster.kubectl('run web --image=nginx:1.7.9');
  await cluster.kubectl('wait --for=condition=Ready pod/web --timeout=120s');
  const wanted = sum(mebibytes);
  const pass = async (name: string, move: () => Promise<string>): Promise<Figure> => {
    const begunMs = performance.now();
    const got = await move();
    if (got !== wanted) throw new Error(`${name}: ${mebibytes} MiB did not come as they were sent`);
    const seconds = (performance.now() - begunMs) / 1000;
    return { name: `streams: ${name}`, value: mebibytes / seconds, unit: 'MiB/s', isCost: false };
  };
  const trips: number[] = [];
  for (let i = 0; i < roundTrips; i++) {
    const begunMs = performance.now();
    await cluster.kubectl('exec web -- true');
    trips.push(performance.now() - begunMs);
  }
  return [
    { name: 'streams: kubectl exec, there and back, p50', value: median(trips), unit: 'ms', isCost: true },
    await pass('exec, in and out, WebSocket', () => throughCat(cluster, mebibytes, {})),
    await pass('exec, in and out, SPDY', () =>
      throughCat(cluster, mebibytes, { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' }),
    ),
  ];
}

function sum(mebibytes: number): string {
  const hash = createHash('sha256');
  for (let i = 0; i < mebibytes; i++) hash.update(chunk);
  return hash.digest('hex');
}

function* chunks(mebibytes: number): Generator<Buffer> {
  for (let i = 0; i < mebibytes; i++) yield chunk;
}

const kubectl = ({ kubeconfig }: TestCluster, args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  spawn(kubectlProgram(), [...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, KUBECONFIG: kubeconfig, ...env },
  });

async function throughCat(cluster: TestCluster, mebibytes: number, env: NodeJS.ProcessEnv): Promise<string> {
  const child = kubectl(cluster, ['exec', '-i', 'web', '--', 'cat'], env);
  const hash = createHash('sha256');
  await Promise.all([pipeline(chunks(mebibytes), child.stdin), pipeline(child.stdout, hash)]);
  return hash.digest('hex');
}

if (import.meta.main) await printAlone(() => measureStreams(Number(process.argv[2] ?? 64)));
