// Text: the standard functions, and those of the strings extension.
import { CelError } from '../errors.ts';
import { checkSize } from '../fuel.ts';
import type { Library } from '../overloads.ts';
import { codePoints } from '../parse-errors.ts';
import { compileRegex } from '../regex.ts';
import { ArrayList, type CelList, type CelValue, type Outcome } from '../value-types.ts';
import { format } from './string-format.ts';

const hasPairs = (text: string) => /[\ud800-\udbff][\udc00-\udfff]/.test(text);
const outOfRange = (index: bigint) => new CelError(`index out of range: ${index}`);

/** Part of a text by code points. */
function part(text: string, start: number, end?: number): string {
  return hasPairs(text) ? [...text].slice(start, end).join('') : text.slice(start, end);
}

function charAt(text: string, index: bigint): Outcome {
  return index < 0n || index > codePoints(text) ? outOfRange(index) : part(text, Number(index), Number(index) + 1);
}

/** Where a place in UTF-16 units is in code points. */
const placeOf = (text: string, unit: number): bigint => BigInt(unit < 0 ? -1 : codePoints(text.slice(0, unit)));
const unitOf = (text: string, place: number): number => (hasPairs(text) ? part(text, 0, place).length : place);

function indexOf(text: string, found: string, offset = 0n): Outcome {
  if (found === '') return offset;
  if (offset < 0n) return outOfRange(offset);
  if (offset >= codePoints(text)) return -1n;
  return placeOf(text, text.indexOf(found, unitOf(text, Number(offset))));
}

function lastIndexOf(text: string, found: string, offset?: bigint): Outcome {
  const size = BigInt(codePoints(text));
  if (found === '') return offset ?? size;
  if (offset !== undefined && offset < 0n) return outOfRange(offset);
  if (offset !== undefined && offset >= size) return -1n;
  if (found.length > text.length) return -1n;
  return placeOf(text, text.lastIndexOf(found, offset === undefined ? undefined : unitOf(text, Number(offset))));
}

const ascii = (pattern: RegExp, change: (char: string) => string) => (text: string) => text.replace(pattern, change);

function replace(text: string, old: string, next: string, count = -1n): Outcome {
  if (count === 0n || old === next) return text;
  const limit = count < 0n ? Infinity : Number(count);
  const pieces = old === '' ? ['', ...text] : splitBy(text, old, limit === Infinity ? -1n : count + 1n);
  if (old === '') {
    const places = Math.min(limit, pieces.length);
    checkSize(text.length + places * next.length);
    const [first, ...rest] = pieces.map((piece, index) => piece + (index < places ? next : ''));
    return [first, ...rest].join('');
  }
  checkSize(text.length + (pieces.length - 1) * next.length);
  return pieces.join(next);
}

/** The last piece has what is left over. */
function splitBy(text: string, separator: string, count: bigint): string[] {
  if (count === 0n) return [];
  const all = separator === '' ? [...text] : text.split(separator);
  if (count < 0n || BigInt(all.length) <= count) return all;
  const kept = Number(count) - 1;
  return [...all.slice(0, kept), all.slice(kept).join(separator)];
}

function substring(text: string, start: bigint, end?: bigint): Outcome {
  const size = BigInt(codePoints(text));
  if (end !== undefined && start > end) {
    return new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  }
  if (start < 0n || start > size) return outOfRange(start);
  if (end !== undefined && (end < 0n || end > size)) return outOfRange(end);
  return part(text, Number(start), end === undefined ? undefined : Number(end));
}

/** The white space that Go trims. */
const spaces = '[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+';
const leading = new RegExp(`^${spaces}`);
const space = new RegExp(spaces);

function trim(text: string): string {
  let end = text.length;
  while (end > 0 && space.test(text[end - 1]!)) end--;
  return text.slice(0, end).replace(leading, '');
}

const escapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to be escaped
const quote = (text: string): string => `"${text.replace(/[\x07-\r\\"]/g, (char) => escapes[char]!)}"`;

function join(list: CelList, separator = ''): Outcome {
  const parts: string[] = [];
  let length = 0;
  for (let index = 0; index < list.size; index++) {
    const item = list.at(index);
    if (typeof item !== 'string') return new CelError(`join: invalid input: ${String(item)}`);
    length += item.length + separator.length;
    checkSize(length);
    parts.push(item);
  }
  return parts.join(separator);
}

function matches(text: CelValue, pattern: CelValue): Outcome {
  if (typeof text !== 'string' || typeof pattern !== 'string') return new CelError('no such overload');
  const regex = compileRegex(pattern);
  return regex instanceof CelError ? regex : regex.test(text);
}

const texts = (items: readonly string[]) => new ArrayList(items);

export const strings: Library = {
  contains: {
    overloads: { contains_string: ['string.(string) -> bool', (text: string, found: string) => text.includes(found)] },
  },
  endsWith: {
    overloads: { ends_with_string: ['string.(string) -> bool', (text: string, end: string) => text.endsWith(end)] },
  },
  startsWith: {
    overloads: {
      starts_with_string: ['string.(string) -> bool', (text: string, start: string) => text.startsWith(start)],
    },
  },
  matches: {
    run: matches,
    overloads: { matches: '(string, string) -> bool', matches_string: 'string.(string) -> bool' },
  },
  charAt: { overloads: { string_char_at_int: ['string.(int) -> string', charAt] } },
  indexOf: {
    overloads: {
      string_index_of_string: ['string.(string) -> int', indexOf],
      string_index_of_string_int: ['string.(string, int) -> int', indexOf],
    },
  },
  lastIndexOf: {
    overloads: {
      string_last_index_of_string: ['string.(string) -> int', lastIndexOf],
      string_last_index_of_string_int: ['string.(string, int) -> int', lastIndexOf],
    },
  },
  lowerAscii: {
    overloads: {
      string_lower_ascii: ['string.() -> string', ascii(/[A-Z]+/g, (chars) => chars.toLowerCase())],
    },
  },
  upperAscii: {
    overloads: {
      string_upper_ascii: ['string.() -> string', ascii(/[a-z]+/g, (chars) => chars.toUpperCase())],
    },
  },
  replace: {
    overloads: {
      string_replace_string_string: ['string.(string, string) -> string', replace],
      string_replace_string_string_int: ['string.(string, string, int) -> string', replace],
    },
  },
  split: {
    overloads: {
      string_split_string: [
        'string.(string) -> list(string)',
        (text: string, separator: string) => texts(splitBy(text, separator, -1n)),
      ],
      string_split_string_int: [
        'string.(string, int) -> list(string)',
        (text: string, separator: string, count: bigint) => texts(splitBy(text, separator, count)),
      ],
    },
  },
  substring: {
    overloads: {
      string_substring_int: ['string.(int) -> string', substring],
      string_substring_int_int: ['string.(int, int) -> string', substring],
    },
  },
  trim: { overloads: { string_trim: ['string.() -> string', trim] } },
  format: { overloads: { string_format: ['string.(list(dyn)) -> string', format] } },
  'strings.quote': { overloads: { strings_quote: ['(string) -> string', quote] } },
  join: {
    overloads: {
      list_join: ['list(string).() -> string', join],
      list_join_string: ['list(string).(string) -> string', join],
    },
  },
};
