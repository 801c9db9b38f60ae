// Questions to other servers by UDP. A few connected sockets for each server, each on a port of its own that changes every
// few seconds, and a random id for each question: whoever would forge an answer has to guess both.
import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { isAnswerTo } from './question.ts';
import type { Upstream } from './upstreams.ts';

interface Waiting {
  readonly question: Buffer;
  readonly timer: NodeJS.Timeout;
  resolve(answer: Buffer): void;
  reject(error: Error): void;
}

/** One socket, and what was asked through it. */
interface Lane {
  readonly socket: Socket;
  readonly isOpen: Promise<void>;
  readonly waiting: Map<number, Waiting>;
  asked: number;
  isRetired: boolean;
}

const lanesEach = 8;
const laneLifeMs = 10_000;
const maxAskedByLane = 1_000;
const recvBufferSize = 256 * 1024;

export class UpstreamSockets {
  readonly #lanes = new Map<string, (Lane | undefined)[]>();
  #isClosed = false;

  /** The answer to this question, whose id is written anew. Rejects when none comes in time. */
  async ask(upstream: Upstream, question: Buffer, timeoutMs: number): Promise<Buffer> {
    const lane = this.#lane(upstream);
    lane.asked++;
    let id = randomInt(0x10000);
    while (lane.waiting.has(id)) id = (id + 1) & 0xffff;
    question.writeUInt16BE(id, 0);
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const timer = setTimeout(() => reject(new Error('timed out')), timeoutMs);
    lane.waiting.set(id, { question, timer, resolve, reject });
    try {
      await lane.isOpen;
      if (!lane.isRetired || lane.waiting.has(id)) lane.socket.send(question);
      return await promise;
    } finally {
      clearTimeout(timer);
      lane.waiting.delete(id);
      if (lane.isRetired && lane.waiting.size === 0) closeSocket(lane.socket);
    }
  }

  #lane(upstream: Upstream): Lane {
    if (this.#isClosed) throw new Error('closed');
    const place = `${upstream.address} ${upstream.port}`;
    const lanes = this.#lanes.get(place) ?? [];
    this.#lanes.set(place, lanes);
    const index = randomInt(lanesEach);
    const known = lanes[index];
    if (known && !known.isRetired && known.asked < maxAskedByLane) return known;
    if (known) retire(known);
    const lane = openLane(upstream);
    lanes[index] = lane;
    return lane;
  }

  close(): void {
    this.#isClosed = true;
    for (const lane of [...this.#lanes.values()].flat()) {
      if (!lane) continue;
      for (const { reject } of lane.waiting.values()) reject(new Error('closed'));
      retire(lane);
    }
    this.#lanes.clear();
  }
}

function openLane({ address, port }: Upstream): Lane {
  const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', recvBufferSize });
  const opened = Promise.withResolvers<void>();
  const lane: Lane = { socket, isOpen: opened.promise, waiting: new Map(), asked: 0, isRetired: false };
  opened.promise.catch(() => {}); // each question learns of it below
  socket.on('error', (error) => {
    opened.reject(error);
    for (const { reject } of lane.waiting.values()) reject(error);
    retire(lane);
  });
  socket.on('message', (message) => {
    if (message.length < 12) return;
    const waiting = lane.waiting.get(message.readUInt16BE(0));
    if (waiting && isAnswerTo(waiting.question, message)) waiting.resolve(message);
  });
  // Connected: datagrams from anyone else are dropped by the kernel.
  socket.connect(port, address, () => opened.resolve());
  setTimeout(() => retire(lane), laneLifeMs).unref();
  return lane;
}

/** Takes no more questions, and closes when the last one is answered. */
function retire(lane: Lane): void {
  lane.isRetired = true;
  if (lane.waiting.size === 0) closeSocket(lane.socket);
}

function closeSocket(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // closed before
  }
}
