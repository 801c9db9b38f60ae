import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { seededRandom } from '../../../base/random.ts';
import { splice } from '../../../base/splice.ts';
import { answerPings } from './ping-answerer.ts';

const ping = (id: number): Buffer => Buffer.from([0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, id >> 8, id & 0xff]);
const data = (length: number, fill: number, isEnd = false): Buffer => {
  const head = Buffer.from([0, 0, 0, 1, isEnd ? 1 : 0, length >> 16, (length >> 8) & 0xff, length & 0xff]);
  return Buffer.concat([head, Buffer.alloc(length, fill)]);
};

const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
});

async function listen(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A client joined with what `backend` does to each connection. */
async function joined(backend: (socket: Socket) => void): Promise<Socket> {
  const behind = await listen(backend);
  const front = await listen((socket) => {
    splice(answerPings(socket), connect({ port: behind, host: '127.0.0.1', allowHalfOpen: true }));
  });
  return connect(front, '127.0.0.1');
}

test('a client that pings a runtime which has closed gets all that it said', async () => {
  const isClosed = Promise.withResolvers<void>();
  const output = data(6 << 20, 7);
  const client = await joined((socket) => {
    socket.resume();
    socket.end(output, () => {
      socket.destroy();
      isClosed.resolve();
    });
  });
  client.pause();
  await isClosed.promise;
  // The second one, as the first is what the other side's kernel answers with a reset.
  for (const id of [1, 3]) await new Promise((resolve) => client.write(ping(id), resolve));
  let bytes = 0;
  for await (const chunk of client) bytes += (chunk as Buffer).length;
  assert.equal(bytes, output.length + 2 * ping(1).length);
});

test('pings are answered between the frames of output, and all else passes as it is, however it is cut', async () => {
  const random = seededRandom(11);
  const input = Array.from({ length: 60 }, (_, index) => data(Math.floor(random.next() * 300), index & 0xff));
  const output = Array.from({ length: 60 }, (_, index) => data(Math.floor(random.next() * 300), index & 0xff));
  const cut = async (socket: Socket, bytes: Buffer): Promise<void> => {
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + Math.floor(random.next() * 40);
      await new Promise((resolve) => socket.write(bytes.subarray(at, at + length), resolve));
      at += length;
    }
  };
  const heard: Buffer[] = [];
  const isHeard = Promise.withResolvers<void>();
  const client = await joined((socket) => {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => heard.push(chunk));
    socket.once('end', () => isHeard.resolve());
    void cut(socket, Buffer.concat([...output, ping(2), data(0, 0, true)])).then(() => socket.end());
  });
  client.setNoDelay(true);
  const said: Buffer[] = [];
  client.on('data', (chunk: Buffer) => said.push(chunk));
  const ended = once(client, 'end');
  await cut(client, Buffer.concat([...input.flatMap((frame, index) => [frame, ping(2 * index + 1)]), ping(2)]));
  await ended;
  client.end();
  await isHeard.promise;
  assert.ok(Buffer.concat(heard).equals(Buffer.concat([...input, ping(2)])), 'the runtime hears all but the pings');
  const frames = framesOf(Buffer.concat(said));
  const answers = frames.filter((frame) => frame[0] === 0x80 && frame.at(-1)! % 2 === 1);
  const rest = frames.filter((frame) => !answers.includes(frame));
  assert.ok(Buffer.concat(rest).equals(Buffer.concat([...output, ping(2), data(0, 0, true)])));
  assert.ok(answers.length > 0 && answers.length <= 60);
});

function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 8 + (bytes.readUInt32BE(at + 4) & 0xffffff);
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return frames;
}
