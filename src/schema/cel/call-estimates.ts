// What calls cost at least and at most, and how large their results are.
import type { Expr } from './ast.ts';
import { exactly, multiply, plus, type Range, scale } from './cost-range.ts';
import type { CelType } from './types.ts';

export interface CallEstimate {
  readonly cost: Range;
  readonly size?: Range;
}

/** An argument, as estimates see it. */
export interface Argument {
  readonly expr: Expr | undefined;
  readonly type: CelType;
  readonly size: Range;
  /** Of the items of a list, by type where nothing more is known. */
  items(): Argument | undefined;
}

export interface CallSite {
  readonly overload: string;
  readonly target: Argument | undefined;
  readonly args: readonly Argument[];
}

/** undefined: it is estimated like any other function. */
type Estimate = (site: CallSite) => CallEstimate | undefined;

const traversal = 0.1;
const regexLength = 0.25;
const listCreation = exactly(10);
const one = exactly(1);
const nominal: Estimate = () => ({ cost: one });

const sized = (range: Range): CallEstimate => ({ cost: scale(range, traversal), size: range });

const ofFirst =
  (factor: number): Estimate =>
  ({ args }) =>
    args[0] && { cost: scale(args[0].size, factor * traversal) };

/** An item in its turn, and its text where it has some. */
const eachItem: Estimate = ({ target }) => {
  if (!target) return undefined;
  const item = target.items();
  if (!item) return { cost: scale(target.size, traversal) };
  const isText = item.type.kind === 'string' || item.type.kind === 'bytes';
  return { cost: multiply(target.size, isText ? plus(one, scale(item.size, traversal)) : one) };
};

const replaced: Estimate = ({ target, args }) => {
  const [old, next] = args;
  if (!target || !old || !next) return undefined;
  const text = target.size;
  // The longest result has the most replacements of the shortest parts by the longest text; the shortest vice versa.
  const longest = (): [count: number, kept: number] => {
    if (old.size.min === 0) return [text.max + 1, text.max];
    return next.size.max <= old.size.min ? [0, text.max] : [Math.ceil(text.max / old.size.min), 0];
  };
  const shortest = (): [count: number, kept: number] => {
    if (old.size.max === 0) return [text.min + 1, text.min];
    return old.size.max <= next.size.min ? [0, text.min] : [Math.ceil(text.min / old.size.max), 0];
  };
  const [[most, keptMost], [least, keptLeast]] = [longest(), shortest()];
  const size = plus(multiply({ min: least, max: most }, next.size), { min: keptLeast, max: keptMost });
  return { cost: scale(text, 2 * traversal), size };
};

const wholeOf = (arg: Argument | undefined, fallback: number): number => {
  const value = arg?.expr?.kind === 'literal' ? arg.expr.value : undefined;
  return typeof value === 'bigint' ? Math.max(0, Number(value)) : fallback;
};

const split: Estimate = ({ target, args }) =>
  target && {
    cost: scale(target.size, 2 * traversal),
    size: { min: 0, max: args[1] ? wholeOf(args[1], target.size.max) : target.size.max },
  };

const join: Estimate = ({ target, args }) => {
  if (!target) return undefined;
  const item = target.items();
  let size = item ? multiply(target.size, item.size) : exactly(0);
  if (args[0]) {
    const gaps = { min: Math.max(0, target.size.min - 1), max: Math.max(0, target.size.max - 1) };
    size = plus(size, multiply(args[0].size, gaps));
  }
  return sized(size);
};

const regexCost = (text: Range, pattern: Range) =>
  multiply(scale(plus(text, one), traversal), scale(pattern, regexLength));

const find: Estimate = ({ target, args }) =>
  target && args[0] && { cost: regexCost(target.size, args[0].size), size: { min: 0, max: target.size.max } };

const selector: Estimate = ({ args: [text] }) =>
  text && { cost: plus(listCreation, scale(text.size, traversal), scale(scale(text.size, 0.5), 50)) };

const addressBytes: Range = { min: 4, max: 16 };

const contains =
  (isCidr: boolean): Estimate =>
  ({ overload, args }) => {
    let cost = scale(plus(addressBytes, addressBytes), traversal);
    if (isCidr) cost = plus(cost, scale(addressBytes, traversal), one);
    if (overload.endsWith('_string')) cost = plus(cost, scale(args[0]!.size, traversal));
    return { cost };
  };

const plainlyCompared = new Set(
  'kubernetes.Quantity kubernetes.Semver kubernetes.authorization.Authorizer kubernetes.authorization.PathCheck kubernetes.authorization.GroupCheck kubernetes.authorization.ResourceCheck kubernetes.authorization.Decision net.IP net.CIDR'.split(
    ' ',
  ),
);

const equality: Estimate = ({ args: [left, right] }) => {
  if (!left || !right || left.type.name !== right.type.name) return undefined;
  if (plainlyCompared.has(left.type.name)) return { cost: one };
  return left.type.name === 'kubernetes.NamedFormat' ? { cost: scale({ min: 1, max: 64 }, traversal) } : undefined;
};

const byFunction: Readonly<Record<string, Estimate>> = {
  check: () => ({ cost: exactly(350_000) }),
  ...Object.fromEntries(
    'serviceAccount path group resource subresource namespace name allowed reason error errored masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast format.named sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan compareTo add sub major minor patch getScheme getHostname getHost getPort getEscapedPath getQuery'
      .split(' ')
      .map((name) => [name, nominal]),
  ),
  ...Object.fromEntries(['isSorted', 'sum', 'max', 'min', 'indexOf', 'lastIndexOf'].map((name) => [name, eachItem])),
  ...Object.fromEntries(
    ['lowerAscii', 'upperAscii', 'substring', 'trim'].map((name): [string, Estimate] => [
      name,
      ({ target }) => target && sized(target.size),
    ]),
  ),
  ...Object.fromEntries(
    ['cidr', 'isIP', 'isCIDR', 'quantity', 'isQuantity', 'semver', 'isSemver'].map((name) => [name, ofFirst(1)]),
  ),
  fieldSelector: selector,
  labelSelector: selector,
  url: ({ args: [text] }) => text && sized(text.size),
  'jsonpatch.escapeKey': ({ args: [text] }) => text && sized(text.size),
  replace: replaced,
  split,
  join,
  find,
  findAll: find,
  ip: (site) => (site.overload === 'cidr_ip' ? { cost: one } : ofFirst(1)(site)),
  'ip.isCanonical': ofFirst(2),
  containsIP: contains(false),
  containsCIDR: contains(true),
  validate: ({ args: [text] }) => text && { cost: scale(scale(text.size, traversal), 128 * regexLength) },
  '_==_': equality,
};

/** Upstream counts without a sign: less than nothing is as much as can be. */
const lengthBetween = (start: number, end: number) => (end < start ? Infinity : end - start);

const allocated = (size: Range, factor = 1): CallEstimate => ({
  cost: plus(scale(size, factor), one, listCreation),
  size,
});
const pairs = (list: Argument, factor: number) => allocated(multiply(list.size, list.size), factor);
const sorted = (list: Argument, overload: string) =>
  pairs(list, /^list_(?:string|bytes)_/.test(overload) ? 2 + traversal : 2);

const sets =
  (factor: number): Estimate =>
  ({ args: [left, right] }) =>
    left && right && { cost: plus(scale(multiply(left.size, right.size), factor), one) };

/** Texts and bytes: as far as the shorter one goes. */
const compared: Estimate = ({ args: [left, right] }) => {
  const max = Math.min(left!.size.max, right!.size.max);
  return { cost: scale({ min: max > 0 ? 1 : 0, max }, traversal) };
};

const byOverload: Readonly<Record<string, Estimate>> = {
  list_slice: ({ target, args }) =>
    target && allocated(exactly(lengthBetween(wholeOf(args[0], 0), wholeOf(args[1], target.size.max)))),
  lists_range: ({ args }) => allocated(exactly(wholeOf(args[0], Infinity))),
  list_reverse: ({ target }) => target && allocated(target.size),
  list_flatten: ({ target }) => target && allocated(target.size),
  list_flatten_int: ({ target, args }) => target && allocated(target.size, wholeOf(args[0], Infinity)),
  list_distinct: ({ target }) => target && pairs(target, 2),
  list_sets_contains_list: sets(1),
  list_sets_intersects_list: sets(1),
  list_sets_equivalent_list: sets(2),
  string_format: ({ target }) => target && { cost: scale(target.size, traversal) },
  string_to_bytes: ({ args: [text] }) =>
    text && { cost: scale(text.size, traversal), size: { min: text.size.min, max: text.size.max * 4 } },
  bytes_to_string: ({ args: [bytes] }) =>
    bytes && { cost: scale(bytes.size, traversal), size: { min: Math.floor(bytes.size.min / 4), max: bytes.size.max } },
  strings_quote: ({ args: [text] }) =>
    text && { cost: scale(text.size, traversal), size: { min: text.size.min + 2, max: text.size.max * 2 + 2 } },
  starts_with_string: ofFirst(1),
  ends_with_string: ofFirst(1),
  in_list: ({ args }) => args[1] && { cost: args[1].size },
  matches_string: ({ target, args }) => target && args[0] && { cost: regexCost(target.size, args[0].size) },
  contains_string: ({ target, args }) =>
    target && args[0] && { cost: multiply(scale(target.size, traversal), scale(args[0].size, traversal)) },
  add_list: ({ args: [left, right] }) => ({ cost: one, size: plus(left!.size, right!.size) }),
  add_string: ({ args: [left, right] }) => sized(plus(left!.size, right!.size)),
  add_bytes: ({ args: [left, right] }) => sized(plus(left!.size, right!.size)),
  equals: compared,
  not_equals: compared,
  ...Object.fromEntries(
    ['less', 'less_equals', 'greater', 'greater_equals'].flatMap((word) => [
      [`${word}_string`, compared],
      [`${word}_bytes`, compared],
    ]),
  ),
};

export function estimateCall(name: string, site: CallSite): CallEstimate {
  const { overload, target, args } = site;
  if (overload.endsWith('_sort') && target) return sorted(target, overload);
  if (overload.endsWith('_sortByAssociatedKeys') && args[0]) return sorted(args[0], overload);
  const isExtension = overload.startsWith('list_sets_') || overload.startsWith('list_slice');
  const estimates = isExtension ? [byOverload[overload]] : [byFunction[name], byOverload[overload]];
  for (const estimate of estimates) {
    const found = estimate?.(site);
    if (found) return found;
  }
  return { cost: one };
}
