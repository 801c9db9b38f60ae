// Continue tokens: the revision a paged list is read at and the key it has come to.

import { badRequest } from '../../api/meta/status-error.ts';
import { describeSyntaxError } from '../../schema/json-syntax.ts';

export interface ContinueToken {
  /** -1: whatever is there now. */
  readonly revision: number;
  /** `NAMESPACE/NAME` or `NAME`: the last key given. */
  readonly start: string;
}

const version = 'meta.k8s.io/v1';

export function encodeContinue(revision: number, start: string): string {
  return Buffer.from(JSON.stringify({ v: version, rv: revision, start: `${start}\u0000` })).toString('base64url');
}

const invalidToken = (problem: string) => badRequest(`invalid continue token: continue key is not valid: ${problem}`);

/** Go's words for the first byte that is not JSON. */
function syntaxProblem(text: string): string {
  const first = text[0];
  return first === undefined
    ? 'unexpected end of JSON input'
    : `invalid character ${quoteChar(first)} looking for beginning of value`;
}

function wrongType(value: unknown): string {
  const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return `json: cannot unmarshal ${found} into Go struct field continueToken.v of type string`;
}

function quoteChar(char: string): string {
  const code = char.charCodeAt(0);
  if (code >= 0x80 && code < 0xa0) return `'\\u${code.toString(16).padStart(4, '0')}'`;
  return char === "'" ? `'\\''` : `'${char}'`;
}

/** @throws StatusError 400 */
export function decodeContinue(token: string): ContinueToken {
  const strange = token.length > 4096 ? 0 : token.search(/[^A-Za-z0-9_-]/);
  const wrongAt = strange < 0 && token.length % 4 === 1 ? token.length - 1 : strange;
  if (wrongAt >= 0) throw invalidToken(`illegal base64 data at input byte ${wrongAt}`);
  const text = Buffer.from(token, 'base64url').toString('latin1');
  let parsed: { v?: unknown; rv?: unknown; start?: unknown };
  try {
    parsed = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    throw invalidToken(text.startsWith('{') ? describeSyntaxError(text) : syntaxProblem(text));
  }
  const named = parsed?.v ?? '';
  if (typeof named !== 'string') throw invalidToken(wrongType(named));
  if (named !== version) throw invalidToken(`server does not recognize this encoded version ${named}`);
  const { rv, start } = parsed;
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0)
    throw invalidToken('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  if (typeof start !== 'string' || start.length === 0) {
    throw invalidToken('encoded start key empty (version meta.k8s.io/v1)');
  }
  const key = start.startsWith('/') ? start : `/${start}`;
  if (/\/\.{0,2}(?:\/|$)/.test(key)) throw invalidToken(start);
  const own = key.slice(1);
  return { revision: rv, start: own.endsWith('\u0000') ? own.slice(0, -1) : own };
}
