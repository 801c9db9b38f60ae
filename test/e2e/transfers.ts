// Bytes through a node's streams, by an unmodified kubectl: what comes out must be what went in.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { kubectlProgram, type TestCluster } from './cluster.ts';

export type Protocol = 'WebSocket' | 'SPDY';

export interface Transfer {
  readonly cluster: TestCluster;
  readonly mebibytes: number;
  readonly protocol: Protocol;
}

const mebibyte = 2 ** 20;
const pattern = Buffer.from(Array.from({ length: mebibyte }, (_, index) => (index * 7 + (index >> 8) * 13) & 0xff));

/** No two of its mebibytes are alike. */
function* chunks(mebibytes: number): Generator<Buffer> {
  for (let index = 0; index < mebibytes; index++) {
    const chunk = Buffer.from(pattern);
    chunk.writeUInt32BE(index, index % 4096);
    yield chunk;
  }
}

const source = (mebibytes: number): Readable => Readable.from(chunks(mebibytes), { objectMode: false });

export async function wantedSum(mebibytes: number): Promise<string> {
  return sumOf(source(mebibytes));
}

async function sumOf(stream: Readable): Promise<string> {
  const hash: Hash = createHash('sha256');
  await pipeline(stream, hash);
  return hash.digest('hex');
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

function kubectl({ cluster, protocol }: Pick<Transfer, 'cluster' | 'protocol'>, ...args: string[]): Child {
  const isSocket = String(protocol === 'WebSocket');
  return spawn(kubectlProgram(), args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      ...process.env,
      KUBECONFIG: cluster.kubeconfig,
      KUBECTL_REMOTE_COMMAND_WEBSOCKETS: isSocket,
      KUBECTL_PORT_FORWARD_WEBSOCKETS: isSocket,
    },
  });
}

async function ended(child: Child): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(`${child.spawnargs.join(' ')}: exit code ${child.exitCode}`);
}

async function inAndOut(child: Child, mebibytes: number): Promise<string> {
  const [sum] = await Promise.all([sumOf(child.stdout), pipeline(source(mebibytes), child.stdin), ended(child)]);
  return sum;
}

/** There and back through one command. */
export const throughExec = (transfer: Transfer): Promise<string> =>
  inAndOut(kubectl(transfer, 'exec', '-i', 'web', '--', 'cat'), transfer.mebibytes);

/** There and back through what a container runs all the time. */
export async function throughAttach(transfer: Transfer): Promise<string> {
  const name = `attached-${transfer.protocol.toLowerCase()}`;
  const container = { name: 'c', image: 'nginx:1.7.9', command: ['cat'], stdin: true, stdinOnce: true };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { restartPolicy: 'Never', containers: [container] },
  };
  await transfer.cluster.kubectl('create -f -', { input: JSON.stringify(pod) });
  await transfer.cluster.kubectl(`wait --for=condition=Ready pod/${name} --timeout=120s`);
  return inAndOut(kubectl(transfer, 'attach', '-iq', name), transfer.mebibytes);
}

/** A file there, and another file back. */
export async function throughCopy(transfer: Transfer): Promise<string> {
  const [from, to] = ['from', 'to'].map((each) => join(transfer.cluster.folder, each)) as [string, string];
  await pipeline(source(transfer.mebibytes), createWriteStream(from));
  await ended(kubectl(transfer, 'cp', from, 'web:/tmp/file'));
  await rm(from);
  await ended(kubectl(transfer, 'cp', 'web:/tmp/file', to));
  await ended(kubectl(transfer, 'exec', 'web', '--', 'rm', '/tmp/file'));
  const sum = await sumOf(createReadStream(to));
  await rm(to);
  return sum;
}

/** To a port, and back from it on the same connection. The pod `echo` sends back what it is sent. */
export async function throughPort(transfer: Transfer): Promise<string> {
  // It takes one connection, and then begins again; 9000 is 2328.
  const listens = "exec echo -- grep -hq ':2328 .* 0A ' /proc/net/tcp /proc/net/tcp6";
  await transfer.cluster.eventually('it listens', async () => (await transfer.cluster.tryKubectl(listens)).code === 0);
  const child = kubectl(transfer, 'port-forward', 'pod/echo', ':9000');
  try {
    let port = 0;
    for await (const line of createInterface(child.stdout)) {
      port = Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
      if (port) break;
    }
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    // The echo does not end by itself: it has said all when as much has come as went.
    const hash = createHash('sha256');
    let left = transfer.mebibytes * mebibyte;
    const heard = (async () => {
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        hash.update(chunk);
        left -= chunk.length;
        if (left <= 0) break;
      }
    })();
    const said = (async () => {
      for (const chunk of chunks(transfer.mebibytes)) if (!socket.write(chunk)) await once(socket, 'drain');
    })();
    await Promise.all([heard, said]);
    socket.destroy();
    return hash.digest('hex');
  } finally {
    child.kill();
    child.stdout.resume();
  }
}

const lineBytes = 1024;

/** Lines of a kibibyte, numbered, some at a time, followed while they are written. @returns what is wrong with them */
export async function followLines(transfer: Omit<Transfer, 'protocol'>, bursts: number): Promise<string> {
  const { cluster, mebibytes } = transfer;
  const each = Math.ceil((mebibytes * mebibyte) / lineBytes / bursts);
  const total = each * bursts;
  const tail = 'x'.repeat(lineBytes - 9);
  const talk = `seq $((10000000+i*${each})) $((9999999+(i+1)*${each})) | sed 's/$/${tail}/'`;
  const go = 'echo ready; while [ ! -e /tmp/go ]; do sleep 0.1; done';
  const script = `mkdir -p /tmp; ${go}; i=0; while [ $i -lt ${bursts} ]; do ${talk}; i=$((i+1)); sleep 2; done`;
  const container = { name: 'c', image: 'busybox:1.36', command: ['sh', '-c', script] };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'talker' },
    spec: { restartPolicy: 'Never', containers: [container] },
  };
  await cluster.kubectl('create -f -', { input: JSON.stringify(pod) });
  await cluster.kubectl('wait --for=condition=Ready pod/talker --timeout=120s');
  const child = kubectl({ cluster, protocol: 'WebSocket' }, 'logs', '-f', 'talker');
  let next = 10_000_000;
  let problem = '';
  for await (const line of createInterface(child.stdout)) {
    // It begins when it is listened to: of what was rotated before that nothing is shown.
    if (line === 'ready') {
      await cluster.kubectl('exec talker -- touch /tmp/go');
      continue;
    }
    const number = Number(line.slice(0, 8));
    if (!problem && (number !== next || line.length !== lineBytes - 1))
      problem = `line ${line.slice(0, 12)} instead of ${next}`;
    next++;
  }
  await ended(child);
  await cluster.kubectl('delete pod talker --wait=false');
  return problem || (next === 10_000_000 + total ? '' : `${next - 10_000_000} lines of ${total}`);
}

/** The pods that transfers go through. */
export async function startPods(cluster: TestCluster): Promise<void> {
  await cluster.kubectl('run web --image=nginx:1.7.9');
  await cluster.kubectl("run echo --image=busybox:1.36 --command -- sh -c 'while :; do nc -l -p 9000 -e cat; done'");
  await cluster.kubectl('wait --for=condition=Ready pod/web pod/echo --timeout=120s');
}
