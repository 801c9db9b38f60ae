// What literals say.
import type { LiteralValue } from './ast.ts';
import type { Token } from './lexer.ts';
import { unescapeBytes, unescapeString } from './unescape.ts';
import { CelUint } from './value-types.ts';

type Report = (problem: string) => void;

function whole(text: string, isNegative: boolean, report: Report): bigint {
  // Text as long as this is out of range, and would take long to read.
  const value = text.length > 1000 ? 1n << 64n : BigInt(text) * (isNegative ? -1n : 1n);
  if (BigInt.asIntN(64, value) === value) return value;
  report('invalid int literal');
  return 0n;
}

function unsigned(text: string, report: Report): CelUint {
  const value = text.length > 1000 ? 1n << 64n : BigInt(text.slice(0, -1));
  if (BigInt.asUintN(64, value) === value) return new CelUint(value);
  report('invalid uint literal');
  return new CelUint(0n);
}

function unescaped<T>(result: { value: T } | { error: string }, fallback: T, report: Report): T {
  if ('value' in result) return result.value;
  report(result.error);
  return fallback;
}

/** undefined: it is no literal. */
export function literalOf({ kind, text }: Token, isNegative: boolean, report: Report): LiteralValue | undefined {
  switch (kind) {
    case 'int':
      return whole(text, isNegative, report);
    case 'uint':
      return unsigned(text, report);
    case 'float': {
      const value = Number(text) * (isNegative ? -1 : 1);
      if (Number.isFinite(value)) return value;
      report('invalid double literal');
      return 0;
    }
    case 'string':
      return unescaped(unescapeString(text), '', report);
    case 'bytes':
      return unescaped(unescapeBytes(text), new Uint8Array(), report);
    case 'keyword':
      return text === 'in' ? undefined : text === 'null' ? null : text === 'true';
    default:
      return undefined;
  }
}
