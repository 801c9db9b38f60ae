// Lists and sets of values: Kubernetes' own functions, and those of the lists and sets extensions.
import { compare, equal } from '../equality.ts';
import { CelError } from '../errors.ts';
import { checkSize } from '../fuel.ts';
import type { Library } from '../overloads.ts';
import {
  ArrayList,
  CelDuration,
  CelList,
  CelOptional,
  CelUint,
  type CelValue,
  keyText,
  noValue,
  type Outcome,
  typeNameOf,
} from '../value-types.ts';
import { add, isIn } from './operators.ts';

const comparable = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];
const runtimeNames: Readonly<Record<string, string>> = {
  duration: 'google.protobuf.Duration',
  timestamp: 'google.protobuf.Timestamp',
};

export function itemsOf(list: CelList): CelValue[] | CelError {
  const items: CelValue[] = [];
  for (let index = 0; index < list.size; index++) {
    const item = list.at(index);
    if (item instanceof CelError) return item;
    items.push(item);
  }
  return items;
}

/** The same for each type of items: `id` has the type's name in place of `T`. */
function templated(id: string, signature: string, types: readonly string[], nameOf = (type: string) => type) {
  return Object.fromEntries(types.map((type) => [id.replaceAll('T', nameOf(type)), signature.replace(/\bT\b/g, type)]));
}

function isSorted(list: CelList): Outcome {
  for (let index = 1; index < list.size; index++) {
    const order = compare(list.at(index - 1) as CelValue, list.at(index) as CelValue);
    if (typeof order === 'number' && order > 0) return false;
  }
  return true;
}

const sumFrom =
  (zero: CelValue) =>
  (list: CelList): Outcome => {
    let total: Outcome = zero;
    for (let index = 0; index < list.size; index++) {
      total = add(total, list.at(index) as CelValue);
      if (total instanceof CelError) return total;
    }
    return total;
  };

const extreme =
  (name: string, direction: 1 | -1) =>
  (list: CelList): Outcome => {
    let best: CelValue | undefined;
    for (let index = 0; index < list.size; index++) {
      const item = list.at(index);
      if (item instanceof CelError) return item;
      const order: number | CelError = best === undefined ? 1 : compare(item, best);
      if (typeof order === 'number' && (best === undefined || order * direction > 0)) best = item;
    }
    return best ?? (list.size === 0 ? new CelError(`${name} called on empty list`) : null);
  };

const find = (list: CelList, item: CelValue, from: number, step: 1 | -1): bigint => {
  for (let index = from; index >= 0 && index < list.size; index += step) {
    if (equal(list.at(index), item)) return BigInt(index);
  }
  return -1n;
};

function slice(list: CelList, start: bigint, end: bigint): Outcome {
  if (start < 0n || end < 0n) return new CelError(`cannot slice(${start}, ${end}), negative indexes not supported`);
  if (start > end) {
    return new CelError(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`);
  }
  if (BigInt(list.size) < end) return new CelError(`cannot slice(${start}, ${end}), list is length ${list.size}`);
  const items = itemsOf(list);
  return items instanceof CelError ? items : new ArrayList(items.slice(Number(start), Number(end)));
}

function flatten(list: CelList, depth = 1n): Outcome {
  if (depth < 0n) return new CelError('level must be non-negative');
  let items = itemsOf(list);
  for (let level = 0n; level < depth && !(items instanceof CelError); level++) {
    if (!items.some((item) => item instanceof CelList)) break;
    const next: CelValue[] = [];
    for (const item of items) {
      const inner = item instanceof CelList ? itemsOf(item) : [item];
      if (inner instanceof CelError) return inner;
      for (const each of inner) next.push(each);
      checkSize(next.length);
    }
    items = next;
  }
  return items instanceof CelError ? items : new ArrayList(items);
}

function sortBy(list: CelList, keys: CelList): Outcome {
  if (list.size !== keys.size) {
    return new CelError(
      `@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got ${list.size} and ${keys.size} elements respectively`,
    );
  }
  const [items, ranks] = [itemsOf(list), itemsOf(keys)];
  if (items instanceof CelError) return items;
  if (ranks instanceof CelError) return ranks;
  if (ranks.length === 0) return list;
  const type = typeNameOf(ranks[0]!);
  if (!comparable.includes(type) && !Object.values(runtimeNames).includes(type)) {
    return new CelError('list elements must be comparable');
  }
  if (ranks.some((rank) => typeNameOf(rank) !== type)) return new CelError('list elements must have the same type');
  const order = [...items.keys()].sort((one, other) => Number(compare(ranks[one]!, ranks[other]!)) || one - other);
  return new ArrayList(order.map((index) => items[index]!));
}

function distinct(list: CelList): Outcome {
  const items = itemsOf(list);
  if (items instanceof CelError) return items;
  const seen = new Set<string>();
  const others: CelValue[] = [];
  return new ArrayList(
    items.filter((item) => {
      const key = keyText(item);
      if (key !== undefined && !seen.has(key)) return Boolean(seen.add(key));
      if (key !== undefined || others.some((other) => equal(other, item))) return false;
      return others.push(item) > 0;
    }),
  );
}

function range(count: bigint): Outcome {
  checkSize(Number(count));
  return new ArrayList(Array.from({ length: Math.max(0, Number(count)) }, (_, index) => BigInt(index)));
}

function reverse(list: CelList): Outcome {
  const items = itemsOf(list);
  return items instanceof CelError ? items : new ArrayList(items.reverse());
}

function contains(list: CelList, part: CelList): boolean {
  for (let index = 0; index < part.size; index++) {
    if (isIn(part.at(index) as CelValue, list) !== true) return false;
  }
  return true;
}

function intersects(list: CelList, other: CelList): boolean {
  for (let index = 0; index < list.size; index++) {
    if (isIn(list.at(index) as CelValue, other) === true) return true;
  }
  return false;
}

const end =
  (pick: (list: CelList) => number) =>
  (list: CelList): Outcome => {
    if (list.size === 0) return noValue;
    const item = list.at(pick(list));
    return item instanceof CelError ? item : new CelOptional(item);
  };

const zeros: Readonly<Record<string, CelValue>> = {
  int: 0n,
  uint: new CelUint(0n),
  double: 0,
  duration: new CelDuration(0n),
};
const runtimeName = (type: string) => runtimeNames[type] ?? type;

export const lists: Library = {
  isSorted: { run: isSorted, overloads: templated('list_T_is_sorted_bool', 'list(T).() -> bool', comparable) },
  sum: {
    overloads: Object.fromEntries(
      Object.entries(zeros).map(([type, zero]) => [
        `list_${type}_sum_${type}`,
        [`list(${type}).() -> ${type}`, sumFrom(zero)] as const,
      ]),
    ),
  },
  max: { run: extreme('max', 1), overloads: templated('list_T_max_T', 'list(T).() -> T', comparable) },
  min: { run: extreme('min', -1), overloads: templated('list_T_min_T', 'list(T).() -> T', comparable) },
  indexOf: {
    overloads: {
      list_a_index_of_int: ['list(A).(A) -> int', (list: CelList, item: CelValue) => find(list, item, 0, 1)],
    },
  },
  lastIndexOf: {
    overloads: {
      list_a_last_index_of_int: [
        'list(A).(A) -> int',
        (list: CelList, item: CelValue) => find(list, item, list.size - 1, -1),
      ],
    },
  },
  slice: { overloads: { list_slice: ['list(A).(int, int) -> list(A)', slice] } },
  flatten: {
    overloads: {
      list_flatten: ['list(list(A)).() -> list(A)', flatten],
      list_flatten_int: ['list(dyn).(int) -> list(dyn)', flatten],
    },
  },
  sort: {
    run: (list: CelList) => sortBy(list, list),
    overloads: templated('list_T_sort', 'list(T).() -> list(T)', comparable, runtimeName),
  },
  '@sortByAssociatedKeys': {
    run: sortBy,
    overloads: templated('list_T_sortByAssociatedKeys', 'list(A).(list(T)) -> list(A)', comparable, runtimeName),
  },
  'lists.range': { overloads: { lists_range: ['(int) -> list(int)', range] } },
  reverse: { overloads: { list_reverse: ['list(A).() -> list(A)', reverse] } },
  distinct: { overloads: { list_distinct: ['list(A).() -> list(A)', distinct] } },
  'sets.contains': { overloads: { list_sets_contains_list: ['(list(A), list(A)) -> bool', contains] } },
  'sets.equivalent': {
    overloads: {
      list_sets_equivalent_list: [
        '(list(A), list(A)) -> bool',
        (one: CelList, other: CelList) => contains(one, other) && contains(other, one),
      ],
    },
  },
  'sets.intersects': { overloads: { list_sets_intersects_list: ['(list(A), list(A)) -> bool', intersects] } },
  first: { overloads: { list_first: ['list(A).() -> optional(A)', end(() => 0)] } },
  last: { overloads: { list_last: ['list(A).() -> optional(A)', end((list) => list.size - 1)] } },
};
