// Random objects of any type, from a seed: for tests that compare codecs with each other, and for benches.
import { type Field, typeOf } from './ir.ts';

const words = [
  'a',
  'web',
  'nginx:1.25',
  '',
  'ünïcode ✓ 𝄞',
  'with "quotes" \\ and\nlines',
  'x'.repeat(60),
  '0644',
  'yes',
];
const quantities = [
  '0',
  '100m',
  '1',
  '1500m',
  '2Gi',
  '1.5Gi',
  '0.5',
  '1e3',
  '-1',
  '1000',
  '1025Mi',
  '12E',
  '1u',
  '0.1n',
];

export interface RandomOptions {
  readonly random: () => number;
  /** How likely each field is there. */
  readonly density: number;
  readonly maxDepth: number;
}

class Maker {
  readonly #options: RandomOptions;

  constructor(options: RandomOptions) {
    this.#options = options;
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#options.random() * choices.length)]!;
  }

  #integer(bits: number): number | bigint {
    const { random } = this.#options;
    const shape = random();
    if (shape < 0.3) return 0;
    if (shape < 0.7) return Math.floor(random() * 100);
    const size = Math.min(bits, 52);
    return Math.floor((random() - 0.5) * 2 ** size);
  }

  #date(): string {
    return new Date(Math.floor(this.#options.random() * 4e12)).toISOString();
  }

  struct(typeName: string, depth: number): Record<string, unknown> {
    const { random, density, maxDepth } = this.#options;
    const result: Record<string, unknown> = {};
    for (const field of typeOf(typeName).jsonFields) {
      if (field.name === 'apiVersion' || field.name === 'kind') continue;
      const isDeep = field.kind === 'struct' || field.kind.startsWith('schemaor');
      if (random() > density || (isDeep && depth >= maxDepth)) continue;
      result[field.name] = this.field(field, depth);
    }
    return result;
  }

  field(field: Field, depth: number): unknown {
    const count = this.#pick([0, 1, 2, 3]);
    if (field.wrap === 'list') return Array.from({ length: count }, () => this.value(field, depth));
    if (field.wrap === 'map') {
      const keys = Array.from(
        { length: count },
        (_, index) => `${this.#pick(['b', 'a', 'z.io/k', '10', '9'])}${index}`,
      );
      return Object.fromEntries(keys.map((key) => [key, this.value(field, depth)]));
    }
    return this.value(field, depth);
  }

  value(field: Field, depth: number): unknown {
    const { random } = this.#options;
    switch (field.kind) {
      case 'string':
        return this.#pick(words);
      case 'bool':
        return random() < 0.5;
      case 'int32':
        return Number(this.#integer(31));
      case 'int64':
        return this.#integer(63);
      case 'double':
        return this.#pick([0, 1.5, -2.25, 1e9]);
      case 'bytes':
        return Buffer.from(this.#pick(words)).toString('base64');
      case 'time':
        return `${this.#date().slice(0, 19)}Z`;
      case 'microtime':
        return `${this.#date().slice(0, 23)}123Z`;
      case 'duration':
        return this.#pick(['0s', '1h30m0s', '1.5s', '250ms', '-2m0s', '1h0m0.000000001s']);
      case 'quantity':
        return this.#pick(quantities);
      case 'intorstring':
        return this.#pick([0, 80, '25%', 'http', -1]);
      case 'stringlist':
        return this.#pick([[], ['a'], ['a', 'b']]);
      case 'any':
      case 'rawjson':
        return this.#pick([1, 'text', true, { a: { b: [1, 'x', null] } }, [1, 2], { big: 1.5 }]);
      case 'rawextension':
        return this.#pick([{ a: 1 }, { kind: 'X', apiVersion: 'v1', spec: { list: ['a'] } }]);
      default:
        return this.#schemaOr(field, depth);
    }
  }

  #schemaOr(field: Field, depth: number): unknown {
    if (field.kind === 'struct') return this.struct(field.typeName!, depth + 1);
    const schema = typeOf(field.typeName!).fields.find((member) => member.kind === 'struct')!.typeName!;
    const roll = this.#options.random();
    if (roll < 0.5 || field.kind === 'schemaorbool') {
      return field.kind === 'schemaorbool' && roll < 0.5 ? roll < 0.25 : this.struct(schema, depth + 1);
    }
    return field.kind === 'schemaorarray' ? [this.struct(schema, depth + 1)] : ['a', 'b'];
  }
}

/** A random object of that type, with apiVersion and kind where the type has them. */
export function randomObject(typeName: string, options: RandomOptions): Record<string, unknown> {
  const { gvk } = typeOf(typeName);
  const head = gvk ? { kind: gvk[2], apiVersion: gvk[0] ? `${gvk[0]}/${gvk[1]}` : gvk[1] } : {};
  return { ...head, ...new Maker(options).struct(typeName, 0) };
}
