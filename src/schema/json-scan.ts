// One pass over a JSON text before it is parsed: counts what the limits bound, and notes what the fast path cannot take.
import { DecodeError, limits } from './limits.ts';

export interface JsonScan {
  /** Keys in the text, duplicates counted. */
  readonly keys: number;
  /** Some number is not a plain integer of at most 15 digits: its text matters. */
  readonly hasOddNumbers: boolean;
  /** Some \u escape names half of a surrogate pair; there may be lone ones. */
  readonly hasSurrogateEscapes: boolean;
}

const quote = 0x22;
const backslash = 0x5c;

const ownersField = 'fieldsV1"';

function tooMuch(what: string, limit: number): never {
  throw new DecodeError('limit', `the request body holds too much: ${what} are limited to ${limit}`);
}

/**
 * Takes any text: whether it is JSON at all is for the parser to say. Not recursive, linear. Structure counted here is
 * at least what a parser would build.
 */
export function scanJson(text: string): JsonScan {
  const { length } = text;
  let depth = 0;
  let keys = 0;
  let nodes = 1;
  let lastString = 0;
  // Who owns which field is said once more for every key of an object, and was not written by who sends it.
  let ownersDepth = -1;
  let ownersKeys = 0;
  let hasOddNumbers = false;
  let hasSurrogateEscapes = false;
  let at = 0;
  while (at < length) {
    const code = text.charCodeAt(at++);
    if (code === quote) {
      const start = at;
      lastString = start;
      // Short strings are most strings: a loop beats indexOf for them.
      for (;;) {
        if (at >= length) break;
        const inner = text.charCodeAt(at++);
        if (inner === quote) break;
        if (inner === backslash) {
          if (text.charCodeAt(at) === 0x75 && (text.charCodeAt(at + 1) | 0x20) === 0x64) hasSurrogateEscapes = true;
          at++;
        }
      }
      if (at - start > limits.stringLength) tooMuch('characters of a string', limits.stringLength);
    } else if (code === 0x3a) {
      keys++;
      if (ownersDepth >= 0) ownersKeys++;
      else if (text.startsWith(ownersField, lastString)) ownersDepth = depth;
    } else if (code === 0x2c) {
      nodes++;
    } else if (code === 0x7b || code === 0x5b) {
      nodes++;
      if (++depth > limits.depth) {
        throw new DecodeError('limit', `the request body is nested too deeply: at most ${limits.depth} levels`);
      }
    } else if (code === 0x7d || code === 0x5d) {
      if (--depth <= ownersDepth) ownersDepth = -1;
    } else if (code >= 0x30 && code <= 0x39) {
      const start = at;
      let inner = 0;
      while (at < length) {
        inner = text.charCodeAt(at);
        if (inner < 0x30 || inner > 0x39) break;
        at++;
      }
      if (inner === 0x2e || inner === 0x65 || inner === 0x45 || at - start >= 15) hasOddNumbers = true;
    }
  }
  if (keys - ownersKeys > limits.keys) tooMuch('keys', limits.keys);
  if (nodes > limits.nodes) tooMuch('values', limits.nodes);
  return { keys, hasOddNumbers, hasSurrogateEscapes };
}

/** Go reads a lone surrogate as U+FFFD; a JavaScript string would keep what no UTF-8 can hold. */
export function replaceLoneSurrogateEscapes(text: string): string {
  // A pair, half of one, or any other escape: tried in this order, so that what follows a backslash is never misread.
  const escapes =
    /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|[\s\S])/g;
  return text.replace(escapes, (found) => (found.length === 6 ? '\\ufffd' : found));
}
