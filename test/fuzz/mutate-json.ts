// JSON that is nearly right: a tree from the corpus with a few changes, printed in the ways that parsers disagree about.
import type { Random } from '../../src/base/random.ts';
import { below, chance, pick } from './target.ts';

/** Text that stands for itself: what no JavaScript value prints as. */
export class Token {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const deep = (open: string, close: string, depth: number) => new Token(open.repeat(depth) + close.repeat(depth));

const oddValues: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  '',
  'a',
  [],
  {},
  [null],
  [[]],
  [{}],
  { a: null },
  ...['1e400', '-0', '9223372036854775807', '-9223372036854775809', '9007199254740993', '1.0', '1e2', '0.1e-7'].map(
    (text) => new Token(text),
  ),
  ...[
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0000"',
    '"\\ud83d\\ude00"',
    '01',
    '+1',
    '.5',
    'NaN',
    "'a'",
    '"\\x"',
    '"\n"',
  ].map((text) => new Token(text)),
  ...['1Gi', '-1m', '1e999999999', '99999999999999999999E', '0.000000000001', '1e-400', 'Ki'],
  ...['2026-01-01T00:00:00Z', '2026-13-45T99:99:99Z', '1h', '-1ns', '9'.repeat(400)],
  ...['__proto__', 'constructor', '../../etc', 'a/b', 'A_b', 'ü', '\u2028', '%2e%2e', '$patch', 'x'.repeat(5000)],
  ...['$(A)', '10.0.0.1', '::ffff:1.2.3.4', '0x7f.1', '0/0', '*', '(a+)+$', 'YQ==', 'YQ=', 'YR=='],
];

const oddNumbers: readonly unknown[] = [
  0,
  -1,
  2147483647,
  2147483648,
  ...['9223372036854775807', '-9223372036854775808', '9007199254740993', '4611686018427387904'].map(
    (text) => new Token(text),
  ),
];

const heavyValues: readonly (() => unknown)[] = [
  () => deep('[', ']', 600),
  () => deep('{"a":', '}', 300).text.replace(':}', ':1}'),
  () => deep('[', ']', 511),
  () => Array.from({ length: 2000 }, () => null),
  () => Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`k${index}`, ''])),
  () => 'x'.repeat(100_000),
  () => new Token(`[${'0,'.repeat(5000)}0]`),
];

const oddKeys = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  '',
  'a.b/c',
  '$patch',
  '$retainKeys',
  '$setElementOrder/containers',
  '$deleteFromPrimitiveList/finalizers',
  'f:a',
  'k:{"name":"a"}',
  '0',
  '-',
  '~0~1',
];

interface Place {
  readonly parent: Record<string, unknown> | unknown[];
  readonly key: string | number;
}

function placesOf(root: unknown): Place[] {
  const places: Place[] = [];
  const stack = [root];
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    if (typeof item !== 'object' || item === null || item instanceof Token) continue;
    for (const key of Object.keys(item)) {
      places.push({ parent: item as Record<string, unknown>, key: Array.isArray(item) ? Number(key) : key });
      const child = (item as Record<string, unknown>)[key];
      if (typeof child === 'object' && child !== null) stack.push(child);
    }
  }
  return places;
}

const at = ({ parent, key }: Place): unknown => (parent as Record<string, unknown>)[key as string];

function put({ parent, key }: Place, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
  } else (parent as Record<string, unknown>)[key as string] = value;
}

function oddValue(random: Random): unknown {
  return chance(random, 0.03) ? pick(random, heavyValues)() : structuredCopy(pick(random, oddValues));
}

/** One change somewhere in the tree; `donors` are trees whose parts may be put there. */
function change(random: Random, root: unknown, donors: readonly unknown[]): unknown {
  const places = placesOf(root);
  if (places.length === 0) return oddValue(random);
  const place = pick(random, places);
  switch (below(random, 8)) {
    case 0:
      if (Array.isArray(place.parent)) place.parent.splice(Number(place.key), 1);
      else delete place.parent[place.key as string];
      break;
    case 1:
      put(
        { parent: place.parent, key: Array.isArray(place.parent) ? place.parent.length : pick(random, oddKeys) },
        oddValue(random),
      );
      break;
    case 2: {
      const other = pick(random, places);
      put(place, structuredCopy(at(other)));
      break;
    }
    case 3: {
      const parts = placesOf(pick(random, donors));
      if (parts.length > 0) {
        const part = pick(random, parts);
        put(
          { parent: place.parent, key: Array.isArray(place.parent) ? place.key : part.key },
          structuredCopy(at(part)),
        );
      }
      break;
    }
    case 4:
      if (Array.isArray(place.parent)) {
        for (let copies = below(random, 30); copies > 0; copies--) place.parent.push(structuredCopy(at(place)));
      } else put(place, [at(place)]);
      break;
    case 5:
      put(place, { [pick(random, oddKeys)]: at(place) });
      break;
    case 6: {
      // Where a number is wanted, an odd one goes further than anything else.
      const numbers = places.filter((each) => typeof at(each) === 'number');
      if (numbers.length > 0) put(pick(random, numbers), pick(random, oddNumbers));
      else put(place, oddValue(random));
      break;
    }
    default:
      put(place, oddValue(random));
  }
  return root;
}

/** A deep copy that keeps tokens. */
export function structuredCopy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Token) return value;
  if (Array.isArray(value)) return value.map(structuredCopy);
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value))
    put({ parent: copy, key }, structuredCopy((value as Record<string, unknown>)[key]));
  return copy;
}

/** `tree` itself is left alone. */
export function mutatedTree(random: Random, tree: unknown, donors: readonly unknown[]): unknown {
  let result = structuredCopy(tree);
  for (let changes = 1 + below(random, 4); changes > 0; changes--) result = change(random, result, donors);
  return result;
}

/** JSON text, now and then with spaces, escapes and keys given twice. */
export function printed(random: Random, value: unknown): string {
  const isOdd = chance(random, 0.3);
  const space = () => (isOdd && chance(random, 0.1) ? pick(random, [' ', '\n', '\t', '\r\n ']) : '');
  const text = (each: string) =>
    isOdd && chance(random, 0.05)
      ? `"${[...each].map((char) => (char.length === 1 ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}` : char)).join('')}"`
      : JSON.stringify(each);
  const write = (each: unknown): string => {
    if (each instanceof Token) return each.text;
    if (typeof each === 'string') return text(each);
    if (typeof each !== 'object' || each === null) return JSON.stringify(each) ?? 'null';
    if (Array.isArray(each)) return `[${each.map((item) => space() + write(item)).join(',')}]`;
    const members = Object.keys(each).map((key) => {
      const member = `${space()}${text(key)}${space()}:${space()}${write((each as Record<string, unknown>)[key])}`;
      return isOdd && chance(random, 0.03) ? `${member},${text(key)}:${write(pick(random, oddValues))}` : member;
    });
    return `{${members.join(',')}}`;
  };
  return write(value);
}
