// A SPDY client whose pings are answered here. Passed on to a runtime that has just sent its last byte and closed, a ping
// makes its kernel take back what is still on its way: the end of what a command said would be lost.
import { Duplex } from 'node:stream';
import { controlBit, headerBytes } from './frame-reader.ts';

const pingBytes = headerBytes + 4;
const pingWord = (controlBit | (3 << 16) | 6) >>> 0;
/** Whoever sends pings and reads nothing gets no more of them back. */
const unsentAnswers = 64;

/** The client as a stream of bytes: what is read of it are all its frames but its pings. */
export function answerPings(client: Duplex): Duplex {
  const outwards = new FrameWalk();
  const inwards = new FrameWalk();
  let answers: Buffer[] = [];
  const answer = (): void => {
    if (!outwards.isBetweenFrames || answers.length === 0 || client.writableEnded) return;
    client.write(Buffer.concat(answers));
    answers = [];
  };
  const stream = new Duplex({
    read: () => void client.resume(),
    write(chunk: Buffer, _, done) {
      const whole = outwards.push(chunk);
      if (whole.length === 0) return done();
      client.write(whole, (error) => done(error));
      answer();
    },
    final: (done) => void client.end(done),
    destroy(error, done) {
      client.destroy();
      done(error);
    },
  });
  const swallow = (ping: Buffer): boolean => {
    // Even numbers are answers to the runtime's own.
    if (ping.readUInt32BE(headerBytes) % 2 === 0) return false;
    if (answers.length < unsentAnswers) answers.push(Buffer.from(ping));
    return true;
  };
  client.on('data', (chunk: Buffer) => {
    const rest = inwards.push(chunk, swallow);
    answer();
    if (rest.length > 0 && !stream.push(rest)) client.pause();
  });
  client.once('end', () => stream.push(null));
  client.once('error', (error) => stream.destroy(error));
  client.once('close', () => {
    if (!client.readableEnded) stream.destroy();
  });
  return stream;
}

/** Knows where frames begin in bytes that pass. */
class FrameWalk {
  /** Of the frame that is passing. */
  #left = 0;
  /** A beginning that does not say yet what it is of. */
  #held: Buffer = Buffer.alloc(0);

  /** So also while a beginning is held back. */
  get isBetweenFrames(): boolean {
    return this.#left === 0;
  }

  /** @returns what passes, without those frames of pings that were swallowed */
  push(chunk: Buffer, swallow?: (ping: Buffer) => boolean): Buffer {
    const data = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
    this.#held = Buffer.alloc(0);
    const kept: Buffer[] = [];
    let from = 0;
    let at = Math.min(this.#left, data.length);
    this.#left -= at;
    while (at < data.length) {
      const isHead = data.length - at >= headerBytes;
      const isPing = isHead && data.readUInt32BE(at) === pingWord && (data.readUInt32BE(at + 4) & 0xffffff) === 4;
      if (!isHead || (isPing && swallow && data.length - at < pingBytes)) {
        this.#held = Buffer.from(data.subarray(at));
        break;
      }
      if (isPing && swallow?.(data.subarray(at, at + pingBytes))) {
        kept.push(data.subarray(from, at));
        at += pingBytes;
        from = at;
        continue;
      }
      const frame = headerBytes + (data.readUInt32BE(at + 4) & 0xffffff);
      const taken = Math.min(frame, data.length - at);
      this.#left = frame - taken;
      at += taken;
    }
    if (kept.length === 0) return data.subarray(0, at);
    return Buffer.concat([...kept, data.subarray(from, at)]);
  }
}
