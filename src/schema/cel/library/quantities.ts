// Amounts of resources.
import { formatQuantity, type ParsedQuantity, parseQuantity } from '../../quantity.ts';
import { CelError } from '../errors.ts';
import type { Library } from '../overloads.ts';
import { CelOpaque, type CelValue, type Outcome } from '../value-types.ts';

const nano = 1_000_000_000n;

export class CelQuantity extends CelOpaque {
  readonly typeName = 'kubernetes.Quantity';
  readonly parsed: ParsedQuantity;
  constructor(parsed: ParsedQuantity) {
    super();
    this.parsed = parsed;
  }
  get nanos(): bigint {
    return this.parsed.nanos;
  }
  equals(other: CelValue): boolean {
    return other instanceof CelQuantity && other.nanos === this.nanos;
  }
  override toJson(): unknown {
    return formatQuantity(this.parsed);
  }
}

function quantity(text: string): Outcome {
  try {
    return new CelQuantity(parseQuantity(text));
  } catch (error) {
    return new CelError(error instanceof Error ? error.message : String(error));
  }
}

const isWhole = ({ nanos }: CelQuantity) => {
  const value = nanos / nano;
  return nanos % nano === 0n && BigInt.asIntN(64, value) === value;
};
const order = (one: CelQuantity, other: CelQuantity): bigint =>
  one.nanos < other.nanos ? -1n : one.nanos > other.nanos ? 1n : 0n;
const moved = ({ parsed }: CelQuantity, nanos: bigint) => new CelQuantity({ ...parsed, nanos: parsed.nanos + nanos });

const type = 'kubernetes.Quantity';

export const quantities: Library = {
  quantity: { overloads: { string_to_quantity: [`(string) -> ${type}`, quantity] } },
  isQuantity: {
    overloads: { is_quantity_string: ['(string) -> bool', (text: string) => quantity(text) instanceof CelQuantity] },
  },
  sign: {
    overloads: {
      quantity_sign: [`(${type}) -> int`, ({ nanos }: CelQuantity) => (nanos < 0n ? -1n : nanos > 0n ? 1n : 0n)],
    },
  },
  isGreaterThan: {
    overloads: {
      quantity_is_greater_than: [
        `${type}.(${type}) -> bool`,
        (one: CelQuantity, other: CelQuantity) => one.nanos > other.nanos,
      ],
    },
  },
  isLessThan: {
    overloads: {
      quantity_is_less_than: [
        `${type}.(${type}) -> bool`,
        (one: CelQuantity, other: CelQuantity) => one.nanos < other.nanos,
      ],
    },
  },
  compareTo: { overloads: { quantity_compare_to: [`${type}.(${type}) -> int`, order] } },
  asApproximateFloat: {
    overloads: {
      quantity_get_float: [`${type}.() -> double`, ({ nanos }: CelQuantity) => Number(nanos) / Number(nano)],
    },
  },
  asInteger: {
    overloads: {
      quantity_get_int: [
        `${type}.() -> int`,
        (value: CelQuantity) => (isWhole(value) ? value.nanos / nano : new CelError('cannot convert value to integer')),
      ],
    },
  },
  isInteger: { overloads: { quantity_is_integer: [`${type}.() -> bool`, isWhole] } },
  add: {
    overloads: {
      quantity_add: [`${type}.(${type}) -> ${type}`, (one: CelQuantity, other: CelQuantity) => moved(one, other.nanos)],
      quantity_add_int: [`${type}.(int) -> ${type}`, (one: CelQuantity, other: bigint) => moved(one, other * nano)],
    },
  },
  sub: {
    overloads: {
      quantity_sub: [
        `${type}.(${type}) -> ${type}`,
        (one: CelQuantity, other: CelQuantity) => moved(one, -other.nanos),
      ],
      quantity_sub_int: [`${type}.(int) -> ${type}`, (one: CelQuantity, other: bigint) => moved(one, -other * nano)],
    },
  },
};
