// JSON with a line for each member, made from compact JSON as it passes: numbers and order stay as they are.
import type { Answer } from './answer.ts';
import type { BodySink } from './exchange.ts';

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isOpening = (byte: number) => byte === 0x7b || byte === 0x5b;
const isClosing = (byte: number) => byte === 0x7d || byte === 0x5d;
const maxIndent = 10_000;

/** Two spaces a level, as upstream prints for `?pretty=true`. Documents may come in pieces. */
class Indenter {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** Something was opened, and whether it holds anything is not known yet. */
  #isOpen = false;

  push(piece: Uint8Array): Buffer {
    const parts: Uint8Array[] = [];
    let from = 0;
    const flush = (to: number) => {
      if (to > from) parts.push(piece.subarray(from, to));
      from = to;
    };
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at]!;
      if (this.#isInString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === backslash) this.#isEscaped = true;
        else if (byte === quote) this.#isInString = false;
        continue;
      }
      if (isSpace(byte)) {
        flush(at);
        from = at + 1;
        continue;
      }
      if (isClosing(byte)) {
        this.#depth--;
        if (!this.#isOpen) {
          flush(at);
          parts.push(this.#newLine());
        }
        this.#isOpen = false;
        continue;
      }
      if (this.#isOpen) {
        flush(at);
        parts.push(this.#newLine());
        this.#isOpen = false;
      }
      if (byte === quote) this.#isInString = true;
      else if (isOpening(byte)) {
        this.#depth++;
        this.#isOpen = true;
      } else if (byte === comma || byte === colon) {
        flush(at + 1);
        parts.push(byte === comma ? this.#newLine() : Buffer.from(' '));
      }
    }
    flush(piece.length);
    return Buffer.concat(parts);
  }

  #newLine(): Buffer {
    return Buffer.from(`\n${'  '.repeat(Math.min(this.#depth, maxIndent))}`);
  }
}

/** The same answer with its JSON spread over lines; what is not JSON, or goes on for ever, stays as it is. */
export function prettied(answer: Answer): Answer {
  if (answer.type !== 'bytes' && answer.type !== 'stream') return answer;
  if (answer.contentType !== 'application/json') return answer;
  if (answer.type === 'bytes') return { ...answer, body: new Indenter().push(answer.body) };
  if (answer.isLive) return answer;
  const { lengthBytes: _, ...rest } = answer;
  return { ...rest, write: (sink) => answer.write(indenting(sink)) };
}

function indenting(sink: BodySink): BodySink {
  const indenter = new Indenter();
  return {
    get isClosed() {
      return sink.isClosed;
    },
    write: (chunk) => sink.write(indenter.push(chunk)),
    drained: () => sink.drained(),
  };
}
