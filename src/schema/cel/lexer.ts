// Text to tokens, as CEL's grammar has them. What is no token is reported and skipped.

export type TokenKind =
  | 'identifier'
  | 'escaped'
  | 'int'
  | 'uint'
  | 'float'
  | 'string'
  | 'bytes'
  | 'punctuation'
  | 'keyword'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly at: number;
}

export interface LexerError {
  readonly at: number;
  readonly message: string;
}

const keywords = new Set(['in', 'true', 'false', 'null']);
const space = /[\t \r\n\f]+|\/\/[^\n]*/y;
const punctuation = /==|!=|<=|>=|&&|\|\||[[\]{}().,\-!?:+*/%<>]/y;
const float = /\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?/y;
const integer = /0x[0-9a-fA-F]+[uU]?|\d+[uU]?/y;
const identifier = /[A-Za-z_][A-Za-z0-9_]*/y;
const escaped = /`[A-Za-z0-9_.\-/ ]+`/y;
const escapeSequence = '\\\\(?:[abfnrtv"\'\\\\?`]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})';
// Each alternative begins with another character than its loop may eat: no backtracking.
const text = new RegExp(
  [
    `"""(?:${escapeSequence}|[^\\\\])*?"""`,
    `'''(?:${escapeSequence}|[^\\\\])*?'''`,
    `"(?:${escapeSequence}|[^\\\\"\\n\\r])*"`,
    `'(?:${escapeSequence}|[^\\\\'\\n\\r])*'`,
    '[rR]"""[^]*?"""',
    "[rR]'''[^]*?'''",
    '[rR]"[^"\\n\\r]*"',
    "[rR]'[^'\\n\\r]*'",
  ].join('|'),
  'y',
);

function matchAt(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
}

function stringAt(source: string, at: number): Token | undefined {
  const first = source[at]!;
  const isBytes = first === 'b' || first === 'B';
  const found = matchAt(text, source, isBytes ? at + 1 : at);
  if (found === undefined) return undefined;
  return { kind: isBytes ? 'bytes' : 'string', text: isBytes ? first + found : found, at };
}

function numberAt(source: string, at: number): Token | undefined {
  const real = matchAt(float, source, at);
  const whole = matchAt(integer, source, at);
  if (real !== undefined && real.length > (whole?.length ?? 0)) return { kind: 'float', text: real, at };
  if (whole === undefined) return undefined;
  return { kind: /[uU]$/.test(whole) ? 'uint' : 'int', text: whole, at };
}

function tokenAt(source: string, at: number): Token | undefined {
  const quoted = stringAt(source, at);
  if (quoted) return quoted;
  const number = numberAt(source, at);
  if (number) return number;
  const name = matchAt(identifier, source, at);
  if (name !== undefined) return { kind: keywords.has(name) ? 'keyword' : 'identifier', text: name, at };
  const special = matchAt(escaped, source, at);
  if (special !== undefined) return { kind: 'escaped', text: special, at };
  const sign = matchAt(punctuation, source, at);
  return sign === undefined ? undefined : { kind: 'punctuation', text: sign, at };
}

const brokenEscape = /\\(?:u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7}|[xX][0-9a-fA-F]?|[0-3][0-7]?)?/y;

/** How far a string goes that does not end as one. */
function badLength(source: string, at: number): number {
  const char = source[at]!;
  if (char === '"' || char === "'") {
    const body = matchAt(new RegExp(`${char}(?:${escapeSequence}|[^\\\\${char}\\n\\r])*`, 'y'), source, at)!;
    const rest = at + body.length;
    if (rest >= source.length) return body.length;
    const broken = source[rest] === '\\' ? matchAt(brokenEscape, source, rest)! : '';
    return Math.min(body.length + broken.length + 1, source.length - at);
  }
  if (char === '`') {
    const body = matchAt(/`[A-Za-z0-9_.\-/ ]*/y, source, at)!;
    return Math.min(body.length + 1, source.length - at);
  }
  if ('=&|'.includes(char) && at + 1 < source.length) return 2;
  return source.codePointAt(at)! > 0xffff ? 2 : 1;
}

export function tokenize(source: string): { tokens: Token[]; errors: LexerError[] } {
  const tokens: Token[] = [];
  const errors: LexerError[] = [];
  let at = 0;
  while (at < source.length) {
    const gap = matchAt(space, source, at);
    if (gap !== undefined) {
      at += gap.length;
      continue;
    }
    const token = tokenAt(source, at);
    if (token) {
      tokens.push(token);
      at += token.text.length;
      continue;
    }
    const length = badLength(source, at);
    errors.push({ at, message: `token recognition error at: '${source.slice(at, at + length)}'` });
    at += length;
  }
  tokens.push({ kind: 'end', text: '<EOF>', at: source.length });
  return { tokens, errors };
}
