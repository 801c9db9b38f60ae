// What a quoted literal says.
const simple: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

interface Piece {
  readonly length: number;
  readonly code: number;
  /** Said by its number, so that in bytes it is one byte. */
  readonly isNumber: boolean;
}

const fail = 'unable to unescape string';

function pieceAt(text: string, at: number, isBytes: boolean): Piece | string {
  const char = text[at + 1];
  if (char === undefined) return "unable to unescape string, found '\\' as last character";
  if (Object.hasOwn(simple, char)) return { length: 2, code: simple[char]!.charCodeAt(0), isNumber: false };
  if ('\\\'"`?'.includes(char)) return { length: 2, code: char.charCodeAt(0), isNumber: false };
  const octal = /^[0-3][0-7]{2}/.exec(text.slice(at + 1, at + 4))?.[0];
  if (octal) return { length: 4, code: Number.parseInt(octal, 8), isNumber: true };
  const digits = { x: 2, X: 2, u: 4, U: 8 }[char];
  if (digits === undefined || (isBytes && (char === 'u' || char === 'U'))) return fail;
  const hex = text.slice(at + 2, at + 2 + digits);
  if (hex.length !== digits || !/^[0-9a-fA-F]+$/.test(hex)) return fail;
  const code = Number.parseInt(hex, 16);
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return 'invalid unicode code point';
  return { length: 2 + digits, code, isNumber: true };
}

/** The body of a literal with its quotes and `r` taken off; undefined where nothing is escaped. */
function bodyOf(literal: string): { body: string; isRaw: boolean } {
  const isRaw = literal[0] === 'r' || literal[0] === 'R';
  const quoted = (isRaw ? literal.slice(1) : literal).replace(/\r\n?/g, '\n');
  const width = quoted.length >= 6 && (quoted.startsWith('"""') || quoted.startsWith("'''")) ? 3 : 1;
  return { body: quoted.slice(width, -width), isRaw };
}

export type Unescaped<T> = { readonly value: T } | { readonly error: string };

export function unescapeString(literal: string): Unescaped<string> {
  const { body, isRaw } = bodyOf(literal);
  if (isRaw || !body.includes('\\')) return { value: body };
  let value = '';
  for (let at = 0; at < body.length; ) {
    if (body[at] !== '\\') {
      const next = body.indexOf('\\', at);
      const end = next < 0 ? body.length : next;
      value += body.slice(at, end);
      at = end;
      continue;
    }
    const piece = pieceAt(body, at, false);
    if (typeof piece === 'string') return { error: piece };
    value += String.fromCodePoint(piece.code);
    at += piece.length;
  }
  return { value };
}

export function unescapeBytes(literal: string): Unescaped<Uint8Array> {
  const { body, isRaw } = bodyOf(literal.slice(1));
  const utf8 = new TextEncoder();
  if (isRaw || !body.includes('\\')) return { value: utf8.encode(body) };
  const parts: number[] = [];
  for (let at = 0; at < body.length; ) {
    if (body[at] !== '\\') {
      const char = String.fromCodePoint(body.codePointAt(at)!);
      parts.push(...utf8.encode(char));
      at += char.length;
      continue;
    }
    const piece = pieceAt(body, at, true);
    if (typeof piece === 'string') return { error: piece };
    parts.push(piece.code & 0xff);
    at += piece.length;
  }
  return { value: Uint8Array.from(parts) };
}
