// What calls cost when they run. Costs that depend on arguments alone are taken before the work is done.
import { codePoints } from './parse-errors.ts';
import { CelList, CelMap, CelOpaque, CelOptional, type CelValue, type Outcome } from './value-types.ts';

type ArgumentCost = (args: readonly CelValue[]) => number;

export interface CallCost {
  readonly before?: ArgumentCost;
  readonly after?: (result: Outcome) => number;
}

const traversal = 0.1;
const regexLength = 0.25;
const listCreation = 10;

export function sizeForCost(value: Outcome | undefined): number {
  if (typeof value === 'string') return codePoints(value);
  if (value instanceof CelList || value instanceof CelMap) return value.size;
  if (value instanceof Uint8Array) return value.length;
  if (value instanceof CelOptional && value.value !== undefined) return sizeForCost(value.value);
  return value instanceof CelOpaque ? (value.size ?? 1) : 1;
}

const one: CallCost = { before: () => 1 };
const text = (factor: number, arg = 0): CallCost => ({
  before: (args) => Math.ceil(sizeForCost(args[arg]) * factor * traversal),
});
const smaller: CallCost = {
  before: ([left, right]) => Math.ceil(Math.min(sizeForCost(left), sizeForCost(right)) * traversal),
};
const equality: CallCost = {
  before: (args) => (args[0] instanceof CelOpaque ? 1 : smaller.before!(args)),
};
const pattern: CallCost = {
  before: ([value, regex]) =>
    Math.ceil((1 + sizeForCost(value)) * traversal) * Math.ceil(sizeForCost(regex) * regexLength),
};
const both: CallCost = {
  before: ([left, right]) => Math.ceil((sizeForCost(left) + sizeForCost(right)) * traversal),
};

/** Of walking a value to its leaves. */
function walk(value: Outcome | undefined): number {
  if (typeof value === 'string') return Math.floor(Buffer.byteLength(value) * traversal);
  if (value instanceof Uint8Array) return Math.floor(value.length * traversal);
  let total = 0;
  if (value instanceof CelList) {
    for (let index = 0; index < value.size; index++) total += walk(value.at(index));
    return total;
  }
  if (!(value instanceof CelMap)) return 1;
  for (const key of value.keys()) total += walk(key) + walk(value.find(key));
  return total;
}

const walking: CallCost = { before: (args) => walk(args[0]) };

function selector(length: number): number {
  return listCreation + Math.ceil(length * traversal) + Math.ceil(Math.ceil(length * 0.5) * 50);
}

const addresses = (args: readonly CelValue[], isCidr: boolean): number => {
  const base = sizeForCost(args[0]);
  const parsed = typeof args[1] === 'string' ? Math.ceil(sizeForCost(args[1]) * traversal) : 0;
  return Math.ceil(2 * base * traversal) + (isCidr ? Math.ceil(base * traversal) + 1 : 0) + parsed;
};

const making = (factor: number): CallCost => ({ after: (result) => sizeForCost(result) * factor + 1 + listCreation });

const compared = (list: CelValue | undefined): number => {
  const size = sizeForCost(list);
  const first = list instanceof CelList && size > 0 ? list.at(0) : undefined;
  const factor = typeof first === 'string' || first instanceof Uint8Array ? 2 + traversal : 2;
  return Math.floor(size * size * factor) + 1 + listCreation;
};

const sets = (factor: number): CallCost => ({
  before: ([left, right]) => 1 + Math.floor(sizeForCost(left) * sizeForCost(right) * factor),
});

const byFunction: Readonly<Record<string, CallCost>> = {
  check: { before: () => 350_000 },
  fieldSelector: { before: (args) => selector(sizeForCost(args[1])) },
  labelSelector: { before: (args) => selector(sizeForCost(args[1])) },
  isSorted: walking,
  sum: walking,
  max: walking,
  min: walking,
  indexOf: walking,
  lastIndexOf: walking,
  url: text(1),
  lowerAscii: text(1),
  upperAscii: text(1),
  substring: text(1),
  trim: text(1),
  'jsonpatch.escapeKey': text(1),
  replace: text(2),
  split: text(2),
  join: { after: (result) => Math.ceil(sizeForCost(result) * 2 * traversal) },
  find: pattern,
  findAll: pattern,
  matches: pattern,
  cidr: text(1),
  isIP: text(1),
  isCIDR: text(1),
  ip: { before: (args) => (typeof args[0] === 'string' ? text(1).before!(args) : 1) },
  'ip.isCanonical': text(2),
  containsIP: { before: (args) => addresses(args, false) },
  containsCIDR: { before: (args) => addresses(args, true) },
  quantity: text(1),
  isQuantity: text(1),
  semver: text(1),
  isSemver: text(1),
  validate: {
    before: ([format, value]) =>
      Math.ceil((1 + sizeForCost(value)) * traversal) *
      Math.ceil(((format as { regexSize?: number }).regexSize ?? 1) * regexLength),
  },
  '_==_': equality,
  '_!=_': equality,
  'lists.range': making(1),
  slice: making(1),
  reverse: making(1),
  flatten: {
    before: ([list, depth]) => Math.floor(sizeForCost(list) * Number(depth ?? 1)) + 1 + listCreation,
  },
  distinct: { before: ([list]) => compared(list) },
  sort: { before: ([list]) => compared(list) },
  '@sortByAssociatedKeys': { before: ([, keys]) => compared(keys) },
  'sets.contains': sets(1),
  'sets.intersects': sets(1),
  'sets.equivalent': sets(2),
};

/** Where the overload says it, and only where it is known when the expression is compiled. */
const byOverload: Readonly<Record<string, CallCost>> = {
  starts_with_string: text(1),
  ends_with_string: text(1),
  string_to_bytes: text(1),
  bytes_to_string: text(1),
  strings_quote: text(1),
  string_format: text(1),
  in_list: { before: (args) => sizeForCost(args[1]) },
  add_string: both,
  add_bytes: both,
  contains_string: {
    before: ([value, part]) => Math.ceil(sizeForCost(value) * traversal) * Math.ceil(sizeForCost(part) * traversal),
  },
  ...Object.fromEntries(
    ['less', 'less_equals', 'greater', 'greater_equals'].flatMap((word) => [
      [`${word}_string`, smaller],
      [`${word}_bytes`, smaller],
    ]),
  ),
};

/** `overload`: undefined where several may apply. */
export function callCost(name: string, overload: string | undefined): CallCost {
  return byFunction[name] ?? (overload !== undefined ? byOverload[overload] : undefined) ?? one;
}
