// Ten lists of 35 MB at once, by readers quick and slow, over HTTP/1.1 and HTTP/2: how much the server grows meanwhile.
// node bench/large-lists.ts
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { Agent, request } from 'node:https';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseYaml } from '../src/base/yaml.ts';
import { TestCluster } from '../test/e2e/cluster.ts';
import { WireClient } from '../test/upstream/client.ts';
import { inLanes } from '../test/upstream/recordings.ts';
import { loadPod } from './load-pod.ts';
import { ownProcesses, residentMegabytes } from './processes.ts';
import { type Figure, printAlone } from './report.ts';

const pods = 10_000;
const path = '/api/v1/namespaces/default/pods';
/** A slow reader takes so much, so often: 10 MB in a second. */
const slowBytes = 256 * 1024;
const slowMs = 25;
const settleMs = 3000;

interface Identity {
  readonly server: URL;
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

interface Reader {
  readonly isSlow: boolean;
  readonly isHttp2: boolean;
}

const readers: readonly Reader[] = Array.from({ length: 10 }, (_, at) => ({
  isSlow: at % 2 === 0,
  isHttp2: at % 4 < 2,
}));

export async function measureLargeLists(): Promise<Figure[]> {
  await using cluster = await TestCluster.create({ simulatedNodes: 0 });
  await fill(cluster.kubeconfig);
  const identity = identityIn(cluster.kubeconfig);
  const pids = ownProcesses(cluster);
  const resident = () => residentMegabytes(pids);
  const listBytes = await read(identity, { isSlow: false, isHttp2: false });
  await sleep(settleMs);
  const before = resident();
  let most = before;
  const watching = setInterval(() => {
    most = Math.max(most, resident());
  }, 20);
  const began = performance.now();
  await Promise.all(readers.map((reader) => read(identity, reader)));
  const seconds = (performance.now() - began) / 1000;
  clearInterval(watching);
  const figure = (name: string, value: number, unit: string, target?: number): Figure => ({
    ...{ name: `ten lists at once: ${name}`, value, unit, isCost: true },
    ...(target === undefined ? {} : { target }),
  });
  return [
    figure('each', listBytes / 2 ** 20, 'MB'),
    figure('resident more than before, at most', most - before, 'MB', 100),
    figure('until all have theirs', seconds, 's'),
  ];
}

async function fill(kubeconfig: string): Promise<void> {
  using client = new WireClient({ kubeconfig, headers: {}, timeoutMs: 60_000 });
  const names = Array.from({ length: pods }, (_, index) => index);
  await inLanes(names, 50, async (index) => {
    const { code } = await client.request({ method: 'POST', path, body: JSON.stringify(loadPod(index)) });
    if (code !== 201) throw new Error(`a create was answered with ${code}`);
  });
}

function identityIn(kubeconfig: string): Identity {
  const { clusters, users } = parseYaml(readFileSync(kubeconfig, 'utf8')) as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
    users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
  };
  const { server, 'certificate-authority-data': ca } = clusters[0]!.cluster;
  const { 'client-certificate-data': cert, 'client-key-data': key } = users[0]!.user;
  const decode = (text: string) => Buffer.from(text, 'base64');
  return { server: new URL(server), ca: decode(ca), cert: decode(cert), key: decode(key) };
}

/** Bytes of the list. */
async function read({ server, ...tls }: Identity, { isSlow, isHttp2 }: Reader): Promise<number> {
  if (isHttp2) {
    const session = connect(server, tls);
    try {
      return await take(session.request({ ':path': path }), isSlow);
    } finally {
      session.destroy();
    }
  }
  const agent = new Agent(tls);
  const { hostname: host, port } = server;
  const stream = await new Promise<Readable>((resolve, reject) => {
    request({ host, port, path, agent }, resolve).on('error', reject).end();
  });
  return take(stream, isSlow);
}

async function take(stream: Readable, isSlow: boolean): Promise<number> {
  let bytes = 0;
  let sincePause = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    sincePause += chunk.length;
    if (!isSlow || sincePause < slowBytes) continue;
    sincePause = 0;
    await sleep(slowMs);
  }
  return bytes;
}

if (import.meta.main) await printAlone(measureLargeLists);
