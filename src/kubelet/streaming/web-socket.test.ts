import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { seededRandom } from '../../base/random.ts';
import { handshake, type Piece, ServerWebSocket, unmask } from './web-socket.ts';

let server: Server;
let url: string;
/** What the server does with a client; each test says. */
let serve: (client: ServerWebSocket, early: Buffer, socket: Duplex) => void;

before(async () => {
  server = createServer();
  server.on('upgrade', (request, socket, head) => {
    const answer = handshake(request, 'bytes');
    if (!answer) return void socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    socket.write(answer);
    serve(new ServerWebSocket(socket), head, socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(() => {
  server.closeAllConnections();
  server.close();
});

/** Sends each message back when it is whole. */
const echo = (client: ServerWebSocket, early: Buffer): void => {
  let pieces: Buffer[] = [];
  const onPiece = ({ bytes, isLast, isText }: Piece): void => {
    pieces.push(bytes);
    if (isLast) client.send(Buffer.concat(pieces.splice(0)), { isText });
  };
  pieces = [];
  client.listen({ onPiece, onClose: () => undefined }, early);
};

async function open(): Promise<WebSocket> {
  const client = new WebSocket(url, 'bytes');
  await once(client, 'open');
  return client;
}

async function answerOf(client: WebSocket): Promise<Buffer> {
  const [data] = (await once(client, 'message')) as [Buffer];
  return data;
}

describe('a WebSocket', () => {
  test('takes messages of every length, whole and in fragments, and pings between them', async () => {
    serve = echo;
    const client = await open();
    for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_003]) {
      const message = Buffer.alloc(length, 'a message ');
      client.send(message);
      assert.ok((await answerOf(client)).equals(message), `${length} bytes`);
      const [half, rest] = [message.subarray(0, length >> 1), message.subarray(length >> 1)];
      client.send(half, { fin: false });
      client.ping('are you there');
      const pong = once(client, 'pong');
      client.send(rest, { fin: true });
      assert.ok((await answerOf(client)).equals(message), `${length} bytes in two fragments`);
      assert.equal(String((await pong)[0]), 'are you there');
    }
    client.close(1000);
    assert.deepEqual((await once(client, 'close'))[0], 1000);
  });

  test('closes behind all that was sent, to a client that reads slowly', async () => {
    const chunk = Buffer.alloc(2 ** 20, 'x');
    serve = (client, early) => {
      client.listen({ onPiece: () => undefined, onClose: () => undefined }, early);
      for (let sent = 0; sent < 32; sent++) client.send(chunk, { prefix: 1 });
      client.close(1000);
    };
    const client = await open();
    client.pause();
    let bytes = 0;
    client.on('message', (data: Buffer) => {
      assert.equal(data[0], 1);
      bytes += data.length - 1;
    });
    const closed = once(client, 'close');
    client.ping();
    setImmediate(() => client.resume());
    await closed;
    assert.equal(bytes, 32 * chunk.length);
  });

  for (const { what, frame, code } of [
    { what: 'has no mask', frame: [0x82, 0x01, 0x00], code: 1002 },
    { what: 'has bits that nobody agreed on', frame: [0xc2, 0x80, 0, 0, 0, 0], code: 1002 },
    { what: 'is of no known kind', frame: [0x83, 0x80, 0, 0, 0, 0], code: 1002 },
    { what: 'goes on with what has not begun', frame: [0x80, 0x80, 0, 0, 0, 0], code: 1002 },
    { what: 'is a ping in fragments', frame: [0x09, 0x80, 0, 0, 0, 0], code: 1002 },
    { what: 'is a ping of 126 bytes', frame: [0x89, 0xfe, 0, 126, 0, 0, 0, 0], code: 1002 },
    { what: 'says it is endless', frame: [0x82, 0xff, ...Array(8).fill(0xff), 0, 0, 0, 0], code: 1009 },
  ])
    test(`is closed with ${code} for a frame that ${what}`, async () => {
      const isOver = Promise.withResolvers<void>();
      serve = (client, early) => {
        client.listen({ onPiece: () => assert.fail('nothing was said'), onClose: () => isOver.resolve() }, early);
      };
      const { socket, rest } = await rawClient();
      socket.write(Buffer.from(frame));
      let answer = rest;
      for await (const chunk of socket) answer = Buffer.concat([answer, chunk as Buffer]);
      assert.deepEqual([...answer], [0x88, 2, code >> 8, code & 0xff]);
      await isOver.promise;
    });

  test('has nothing with a client that shakes hands in another way', async () => {
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 400 /);
    socket.destroy();
  });
});

test('frames cut anywhere say the same', async () => {
  const random = seededRandom(7);
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random.next() * 256)));
  const messages = Array.from({ length: 200 }, () => bytes(Math.floor(random.next() ** 4 * 4000)));
  const wire = Buffer.concat(messages.map((message) => masked(message, bytes(4))));
  const got: string[] = [];
  const isDone = Promise.withResolvers<void>();
  serve = (client, early) => {
    let hash = createHash('sha1');
    const onPiece = ({ bytes: piece, isLast }: Piece): void => {
      hash.update(piece);
      if (!isLast) return;
      got.push(hash.digest('hex'));
      hash = createHash('sha1');
      if (got.length === messages.length) isDone.resolve();
    };
    client.listen({ onPiece, onClose: () => isDone.reject(new Error('closed')) }, early);
  };
  const { socket } = await rawClient();
  socket.setNoDelay(true);
  for (let at = 0; at < wire.length; ) {
    const length = 1 + Math.floor(random.next() ** 3 * 3000);
    await new Promise((resolve) => socket.write(wire.subarray(at, at + length), resolve));
    at += length;
  }
  await isDone.promise;
  assert.deepEqual(
    got,
    messages.map((message) => createHash('sha1').update(message).digest('hex')),
  );
  socket.destroy();
});

test('a mask is taken off bytes wherever they lie', () => {
  const mask = new Uint8Array([1, 2, 4, 8]);
  for (let offset = 0; offset < 5; offset++)
    for (let length = 0; length < 12; length++)
      for (let at = 0; at < 4; at++) {
        const room = Buffer.alloc(32, 0xff);
        unmask(room.subarray(offset, offset + length), mask, at);
        const want = [...room].map((_, index) =>
          index >= offset && index < offset + length ? 0xff ^ mask[(at + index - offset) & 3]! : 0xff,
        );
        assert.deepEqual([...room], want);
      }
});

function masked(message: Buffer, mask: Buffer): Buffer {
  const head =
    message.length < 126 ? [0x82, 0x80 | message.length] : [0x82, 0xfe, message.length >> 8, message.length & 0xff];
  const body = Buffer.from(message.map((byte, index) => byte ^ mask[index & 3]!));
  return Buffer.concat([Buffer.from(head), mask, body]);
}

async function rawClient(): Promise<{ socket: Socket; rest: Buffer }> {
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  const lines = ['GET / HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
  socket.write(`${lines.join('\r\n')}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
  let answer = Buffer.alloc(0);
  while (!answer.includes('\r\n\r\n')) answer = Buffer.concat([answer, (await once(socket, 'data'))[0] as Buffer]);
  assert.match(answer.toString(), /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
  return { socket, rest: answer.subarray(answer.indexOf('\r\n\r\n') + 4) };
}
