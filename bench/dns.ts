// The cluster's DNS and CoreDNS in turns: questions a second, latency, processor time and memory, by UDP. Both follow one API
// server with 5,000 Services; names outside come from one small server. node bench/dns.ts [seconds] [rounds]
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as packets from 'dns-packet';
import { endpointSliceKind, serviceKind } from '../generated/kinds.ts';
import { systemClock } from '../src/base/clock.ts';
import { silentLogger } from '../src/base/log.ts';
import { systemRandom } from '../src/base/random.ts';
import { createClient } from '../src/client/create-client.ts';
import { createKubeconfigTransport } from '../src/client/kubeconfig-transport.ts';
import { nodeFlags } from '../src/cluster/nodes/node-child.ts';
import { createDnsServer } from '../src/network/dns/dns-server.ts';
import { createInformerFactory } from '../src/reconcile/informer-factory.ts';
import { TestCluster } from '../test/e2e/cluster.ts';
import { cpuSeconds, residentMegabytes } from './processes.ts';
import { type Figure, median, printAlone } from './report.ts';
import { freePorts } from './serving.ts';

const serviceCount = 5_000;
const outsideCount = 1_000;
const inFlight = 64;

const loads = {
  services: (i: number) => `svc-${i % serviceCount}.default.svc.cluster.local`,
  'names that are not there': (i: number) => `www.site-${i % outsideCount}.example.default.svc.cluster.local`,
  'names outside, known': (i: number) => `www.site-${i % outsideCount}.example`,
  'names outside, new': (i: number, run: number) => `n${i}-${run}.example`,
} as const;

/** Our server as it runs in a node's process, alone. */
async function serve(kubeconfig: string, port: number, outsidePort: number): Promise<void> {
  const transport = await createKubeconfigTransport({ path: kubeconfig, clock: systemClock });
  const client = createClient(transport, { userAgent: 'bench' });
  const common = { clock: systemClock, log: silentLogger };
  const informers = createInformerFactory({ client, random: systemRandom, ...common });
  const server = createDnsServer({
    informers,
    address: '127.0.0.1',
    port,
    clusterDomain: 'cluster.local',
    upstreams: { current: async () => [{ address: '127.0.0.1', port: outsidePort }] },
    ...common,
  });
  const stop = new AbortController();
  process.on('disconnect', () => process.exit(0));
  process.send!('up');
  await Promise.all([informers.run(stop.signal), server.run(stop.signal)]);
}

/** Every name has one address, for half a minute. */
async function answerOutside(port: number): Promise<void> {
  const socket = createSocket('udp4');
  const tail = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 192, 0, 2, 1]);
  socket.on('message', (question, from) => {
    const end = question.indexOf(0, 12) + 5;
    const reply = Buffer.concat([question.subarray(0, end), tail]);
    reply.writeUInt16BE(0x8580, 2);
    reply.writeUInt16BE(1, 6);
    reply.writeUInt16BE(0, 10);
    socket.send(reply, from.port, from.address);
  });
  socket.bind(port, '127.0.0.1');
  process.on('disconnect', () => process.exit(0));
}

interface Server {
  readonly name: string;
  readonly port: number;
  readonly process: ChildProcess;
}

interface Run {
  readonly rate: number;
  readonly p99Ms: number;
  readonly cpuMicroseconds: number;
}

export async function measureDns(seconds = 3, rounds = 3): Promise<Figure[]> {
  const coredns = process.env['COREDNS'];
  if (!coredns || !existsSync(coredns))
    console.error(
      'no comparison: set COREDNS to the program (go build of the module github.com/coredns/coredns v1.13.1)',
    );
  await using cluster = await TestCluster.create({ flags: ['--nodes', 'simulated:1'] });
  await makeServices(cluster.kubeconfig);
  const folder = await mkdtemp(join(tmpdir(), 'coracle-bench-dns-'));
  const [ours, theirs, outside] = await freePorts(3);
  const children: ChildProcess[] = [];
  try {
    children.push(fork(import.meta.filename, ['--outside', String(outside)]));
    const servers: Server[] = [];
    const args = ['--server', cluster.kubeconfig, String(ours), String(outside)];
    const own = fork(import.meta.filename, args, { execArgv: [...nodeFlags] });
    children.push(own);
    servers.push({ name: 'ours', port: ours!, process: own });
    if (coredns && existsSync(coredns)) {
      const file = join(folder, 'Corefile');
      await writeFile(file, corefile(theirs!, outside!, cluster.kubeconfig));
      const child = spawn(coredns, ['-conf', file, '-quiet'], { stdio: 'ignore' });
      children.push(child);
      servers.push({ name: 'CoreDNS', port: theirs!, process: child });
    }
    for (const server of servers) await untilServed(server);
    return await inTurns(servers, seconds, rounds);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await rm(folder, { recursive: true });
  }
}

/** kubeadm's, without what only a pod has. */
const corefile = (port: number, outside: number, kubeconfig: string) => `.:${port} {
  bind 127.0.0.1
  errors
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig ${kubeconfig}
    pods insecure
    fallthrough in-addr.arpa ip6.arpa
    ttl 30
  }
  forward . 127.0.0.1:${outside} {
    max_concurrent 1000
  }
  cache 30
}
`;

async function makeServices(kubeconfig: string): Promise<void> {
  const transport = await createKubeconfigTransport({ path: kubeconfig, clock: systemClock });
  const client = createClient(transport, { userAgent: 'bench' });
  const services = client.resource(serviceKind);
  const one = (i: number) =>
    services.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'default', name: `svc-${i}` },
      spec: { ports: [{ name: 'http', port: 80, protocol: 'TCP' }], selector: { app: `app-${i}` } },
    });
  let next = 0;
  const worker = async () => {
    while (next < serviceCount) await one(next++);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  // The controllers make a slice of each: what still changes is another figure.
  const slices = client.resource(endpointSliceKind);
  while ((await slices.list({ namespace: 'default' })).items.length < serviceCount) await sleep(200);
  await sleep(1000);
}

async function untilServed({ port, name }: Server): Promise<void> {
  const until = performance.now() + 60_000;
  while (performance.now() < until) {
    const socket = createSocket('udp4');
    try {
      socket.send(questionAbout(loads.services(serviceCount - 1)), port, '127.0.0.1');
      const [reply] = (await once(socket, 'message', { signal: AbortSignal.timeout(500) })) as [Buffer];
      if ((packets.decode(reply).answers?.length ?? 0) > 0) return;
    } catch {
      // not yet
    } finally {
      socket.close();
    }
    await sleep(100);
  }
  throw new Error(`${name} does not answer`);
}

async function inTurns(servers: readonly Server[], seconds: number, rounds: number): Promise<Figure[]> {
  const runs = new Map<string, Run[]>();
  for (let round = 0; round < rounds; round++)
    for (const load of Object.keys(loads) as (keyof typeof loads)[])
      for (const server of servers) {
        const key = `${load}: ${server.name}`;
        const run = await askFor(server, load, seconds, round * 10 + servers.indexOf(server));
        runs.set(key, [...(runs.get(key) ?? []), run]);
      }
  const [own, other] = servers as [Server, Server | undefined];
  const figures: Figure[] = [];
  const add = (name: string, unit: string, isCost: boolean, of: (server: Server) => number) =>
    figures.push({ name: `dns: ${name}`, unit, isCost, value: of(own), ...(other && { upstream: of(other) }) });
  for (const load of Object.keys(loads)) {
    const value = (field: keyof Run) => (server: Server) =>
      median(runs.get(`${load}: ${server.name}`)!.map((run) => run[field]));
    add(load, 'answers/s', false, value('rate'));
    add(`${load}, p99`, 'ms', true, value('p99Ms'));
    add(`${load}, processor`, 'µs', true, value('cpuMicroseconds'));
  }
  add('memory of the process', 'MB', true, ({ process }) => residentMegabytes([process.pid!]));
  return figures;
}

const questionAbout = (name: string) =>
  packets.encode({
    type: 'query',
    id: 0,
    flags: packets.RECURSION_DESIRED,
    questions: [{ name, type: 'A' }],
  });

/** Keeps so many questions under way for a while. */
async function askFor(server: Server, load: keyof typeof loads, seconds: number, run: number): Promise<Run> {
  const nameOf: (i: number, run: number) => string = loads[load];
  const isNew = load === 'names outside, new';
  const ready = isNew ? [] : Array.from({ length: serviceCount }, (_, i) => questionAbout(nameOf(i, run)));
  const socket: Socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  socket.connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  const sentAt = new Float64Array(inFlight);
  const times: number[] = [];
  let asked = 0;
  let answers = 0;
  const ask = (slot: number) => {
    const question = isNew ? questionAbout(nameOf(asked, run)) : ready[asked % serviceCount]!;
    asked++;
    question.writeUInt16BE(slot, 0);
    sentAt[slot] = performance.now();
    socket.send(question);
  };
  const onMessage = (reply: Buffer) => {
    const slot = reply.readUInt16BE(0);
    answers++;
    if (answers % 8 === 0) times.push(performance.now() - sentAt[slot]!);
    ask(slot);
  };
  socket.on('message', onMessage);
  for (let slot = 0; slot < inFlight; slot++) ask(slot);
  await sleep(500); // warm
  const before = { answers, cpu: cpuSeconds([server.process.pid!]), at: performance.now() };
  times.length = 0;
  await sleep(seconds * 1000);
  const count = answers - before.answers;
  const rate = (count * 1000) / (performance.now() - before.at);
  const cpuMicroseconds = ((cpuSeconds([server.process.pid!]) - before.cpu) * 1e6) / count;
  socket.off('message', onMessage);
  await sleep(200);
  socket.close();
  times.sort((a, b) => a - b);
  return { rate, p99Ms: times[Math.floor(times.length * 0.99)] ?? 0, cpuMicroseconds };
}

const [role, ...args] = process.argv.slice(2);
if (role === '--server') await serve(args[0]!, Number(args[1]), Number(args[2]));
else if (role === '--outside') await answerOutside(Number(args[0]));
else if (import.meta.main) await printAlone(() => measureDns(Number(role ?? 3), Number(args[0] ?? 3)));
