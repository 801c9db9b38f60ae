// What a way through the network costs packets: programs for both of its ends, and two ends with nothing of ours in between.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabPod } from '../src/network/testing/lab.ts';

/** What a client measures: microseconds of a new connection and of a question and its answer, megabytes a second. */
export interface Path {
  readonly connectUs: number;
  readonly roundTripUs: number;
  readonly throughputMBs: number;
}

/** Answers byte by byte on one port; swallows all it gets on the next, and says how much when asked. */
export const serverProgram = `const net = require('node:net');
const wait = Promise.withResolvers();
net.createServer((s) => { s.setNoDelay(true); s.on('error', () => {}).pipe(s); }).listen(8080, '0.0.0.0', () =>
  net.createServer((s) => s.on('error', () => {}).resume()).listen(8081, '0.0.0.0', ready));`;

/** @param places `address:port` of the echo and of the sink */
const clientProgram = (echo: string, sink: string) => `const net = require('node:net');
const at = (place) => { const [host, port] = place.split(':'); return { host, port: Number(port), noDelay: true }; };
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const connect = () => new Promise((resolve, reject) => {
  const socket = net.connect(at('${echo}'), () => resolve(socket)).on('error', reject); });
(async () => {
  const connects = [];
  for (let i = 0; i < 1500; i++) {
    const began = performance.now();
    const socket = await connect();
    connects.push((performance.now() - began) * 1000);
    socket.destroy();
  }
  const socket = await connect();
  const trips = [];
  for (let i = 0; i < 8000; i++) {
    const began = performance.now();
    socket.write('x');
    await new Promise((resolve) => socket.once('data', resolve));
    trips.push((performance.now() - began) * 1000);
  }
  socket.destroy();
  const stream = net.connect(at('${sink}'));
  const block = Buffer.alloc(1 << 20);
  const began = performance.now();
  while (performance.now() - began < 1500)
    if (!stream.write(block)) await new Promise((resolve) => stream.once('drain', resolve));
  const seconds = (performance.now() - began) / 1000;
  const sent = stream.bytesWritten - stream.writableLength;
  stream.destroy();
  console.log(JSON.stringify({ connectUs: median(connects), roundTripUs: median(trips), throughputMBs: sent / seconds / 1e6 }));
})();`;

export async function measurePath(client: Pick<LabPod, 'run'>, echo: string, sink: string): Promise<Path> {
  return JSON.parse(await client.run(process.execPath, '-e', clientProgram(echo, sink))) as Path;
}

/** Pods on a bridge with nothing but the bridge. */
export async function bareNetwork(folder: string): Promise<string> {
  const conflist = join(folder, 'bare.conflist');
  const ipam = { type: 'host-local', dataDir: join(folder, 'bare'), ranges: [[{ subnet: '10.250.0.0/24' }]] };
  const plugins = [{ type: 'bridge', bridge: 'bare', isGateway: true, ipam }];
  await writeFile(conflist, JSON.stringify({ cniVersion: '1.0.0', name: 'bare', plugins }));
  return conflist;
}
