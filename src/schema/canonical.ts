// Compiles, for each type on first use, the function that turns parsed JSON into canonical form: known fields only, in
// Go's order, zero values dropped or present as Go's tags say. The source comes from the fact tables alone.
import * as values from './canonical-values.ts';
import { type Field, typeOf } from './ir.ts';

type Canonicalize = (value: unknown, context: values.CanonicalContext) => unknown;

/** Compiled code calls through holders, so a type is compiled when a value of it is first met. */
interface Holder {
  run: Canonicalize;
}

const holders = new Map<string, Holder>();

/** The canonicalizer of a struct type or of a custom one. */
export function canonicalizerOf(typeName: string): Holder {
  let holder = holders.get(typeName);
  if (!holder) {
    const created: Holder = {
      run: (value, context) => {
        created.run = compile(typeName);
        return created.run(value, context);
      },
    };
    holder = created;
    holders.set(typeName, holder);
  }
  return holder;
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

const valueFunctions: Partial<Record<string, Canonicalize>> = {
  time: (value) => values.time(value),
  microtime: (value) => values.microtime(value),
  duration: (value) => values.duration(value),
  quantity: (value) => values.quantity(value),
  intorstring: (value) => values.intOrString(value),
  rawjson: values.raw,
  rawextension: values.raw,
  stringlist: (value) => values.stringList(value),
};

function schemaTypeOf(typeName: string): string {
  return typeOf(typeName).fields.find((field) => field.kind === 'struct')!.typeName!;
}

function compileCustom(typeName: string, kind: string): Canonicalize | undefined {
  if (kind === 'schemaorbool') {
    const schema = canonicalizerOf(schemaTypeOf(typeName));
    return (value, context) => {
      if (typeof value === 'boolean') return value;
      if (!isObject(value)) throw values.irregular;
      return schema.run(value, context);
    };
  }
  if (kind === 'schemaorarray') {
    const schema = canonicalizerOf(schemaTypeOf(typeName));
    return (value, context) => {
      if (Array.isArray(value)) return values.list(value, context, (item, inner) => schema.run(item, inner));
      if (!isObject(value)) throw values.irregular;
      return schema.run(value, context);
    };
  }
  if (kind === 'schemaorstringarray') {
    const schema = canonicalizerOf(schemaTypeOf(typeName));
    return (value, context) => {
      if (Array.isArray(value)) return values.stringList(value);
      if (!isObject(value)) throw values.irregular;
      return schema.run(value, context);
    };
  }
  return valueFunctions[kind];
}

/** Go's zero value of a non-pointer field of that kind, as source text; undefined for structs. */
const zeroOf: Partial<Record<string, string>> = {
  string: "''",
  bool: 'false',
  int32: '0',
  int64: '0',
  double: '0',
  bytes: 'null',
  any: 'null',
  time: 'null',
  microtime: 'null',
  duration: "'0s'",
  quantity: "'0'",
  intorstring: '0',
  rawjson: 'null',
  rawextension: 'null',
  stringlist: 'null',
};

/** Lists and maps that are not the same empty as absent, in defaults or in errors: both are met until the object is stored. */
const toldApart: Readonly<Record<string, readonly string[]>> = {
  'io.k8s.api.core.v1.PersistentVolumeSpec': ['capacity'],
  'io.k8s.api.autoscaling.v2.HPAScalingRules': ['policies'],
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps': ['dependencies'],
};

class Compiler {
  readonly holders: Holder[] = [];
  readonly lines: string[] = [];
  readonly #tellsApart: ReadonlySet<string>;

  constructor(typeName: string) {
    this.#tellsApart = new Set(toldApart[typeName]);
  }

  #holder(typeName: string): string {
    this.holders.push(canonicalizerOf(typeName));
    return `H[${this.holders.length - 1}]`;
  }

  /** An expression for the canonical form of the non-null value `x`. */
  #value(field: Field): string {
    switch (field.kind) {
      case 'string':
      case 'bool':
        throw new Error('inlined');
      case 'int32':
        return 'V.int32(x)';
      case 'int64':
        return 'V.int64(x)';
      case 'double':
        return 'V.double(x)';
      case 'bytes':
        return 'V.bytes(x)';
      case 'any':
        return 'V.raw(x, c)';
      case 'time':
        return 'V.time(x)';
      case 'microtime':
        return 'V.microtime(x)';
      case 'quantity':
        return 'V.quantity(x)';
      case 'intorstring':
        return 'V.intOrString(x)';
      case 'stringlist':
        return 'V.stringList(x)';
      default:
        return `${this.#holder(field.typeName!)}.run(x, c)`;
    }
  }

  /** A function that makes the canonical form of one element. */
  #element(field: Field): string {
    const orNull = (zero: string): string => `(x, c) => x === null ? ${zero} : ${this.#value(field)}`;
    switch (field.kind) {
      case 'bool':
        return "(x) => { if (typeof x === 'boolean') return x; if (x === null) return false; throw V.irregular; }";
      case 'string':
        throw new Error('has its own');
      case 'int32':
      case 'int64':
      case 'double':
        return orNull('0');
      case 'bytes':
        return orNull("''"); // stored, no bytes are no bytes
      case 'any':
      case 'rawjson':
      case 'rawextension':
      case 'stringlist':
        return orNull('null');
      default:
        return `(x, c) => ${this.#value(field)}`;
    }
  }

  add(field: Field, index: number): void {
    const target = `o[${JSON.stringify(field.name)}]`;
    const source = `v[${JSON.stringify(field.name)}]`;
    this.lines.push(`x = ${source}; if (x !== undefined) n++;`);
    if (field.wrap) this.#addWrapped(field, target, index);
    else if (field.kind === 'struct') this.#addStruct(field, target);
    else this.#addScalar(field, target);
  }

  #addWrapped(field: Field, target: string, index: number): void {
    const isText = field.kind === 'string';
    const element = isText ? '' : `e${index}`;
    if (element) this.lines.unshift(`const ${element} = ${this.#element(field)};`);
    const convert =
      field.wrap === 'list'
        ? isText
          ? 'V.stringList(x)'
          : `V.list(x, c, ${element})`
        : isText
          ? 'V.stringMap(x, c)'
          : `V.map(x, c, ${element})`;
    const isFull = field.wrap === 'list' ? 'x.length > 0' : 'V.hasKeys(x)';
    const keeps = this.#tellsApart.has(field.name) ? ' || !c.isStored && (c.hasEmpty = true)' : '';
    const set = field.omitEmpty
      ? `x = ${convert}; if (${isFull}${keeps}) ${target} = x;`
      : `x = ${convert}; if (${isFull}) ${target} = x; else if (c.isStored) ${target} = null; else { c.hasEmpty = true; ${target} = x; }`;
    const absent = field.omitEmpty ? '' : ` else ${target} = null;`;
    this.lines.push(`if (x !== undefined && x !== null) { ${set} }${absent}`);
  }

  #addStruct(field: Field, target: string): void {
    const value = this.#value(field);
    if (!field.isPointer) this.lines.push(`${target} = ${value};`);
    else {
      const absent = field.omitEmpty ? '' : ` else ${target} = null;`;
      this.lines.push(`if (x !== undefined && x !== null) ${target} = ${value};${absent}`);
    }
  }

  #addScalar(field: Field, target: string): void {
    const { kind } = field;
    const isPlain = kind === 'string' || kind === 'bool';
    const check = kind === 'string' ? "typeof x !== 'string'" : "typeof x !== 'boolean'";
    const present = isPlain ? `if (${check}) throw V.irregular;` : '';
    const value = isPlain ? 'x' : this.#value(field);
    if (field.isPointer || kind.startsWith('schemaor')) {
      const absent = field.omitEmpty ? '' : ` else ${target} = null;`;
      this.lines.push(`if (x !== undefined && x !== null) { ${present} ${target} = ${value}; }${absent}`);
      return;
    }
    const zero = zeroOf[kind]!;
    // omitempty says nothing about structs, and Go's times, quantities and raw values are structs.
    const dropsZero =
      field.omitZero ||
      (field.omitEmpty && ['string', 'bool', 'int32', 'int64', 'double', 'bytes', 'any', 'stringlist'].includes(kind));
    if (!dropsZero) {
      this.lines.push(
        `if (x === undefined || x === null) ${target} = ${zero}; else { ${present} ${target} = ${value}; }`,
      );
      return;
    }
    const isSet =
      kind === 'string'
        ? "x !== ''"
        : kind === 'bool'
          ? 'x'
          : kind === 'bytes'
            ? "x !== ''"
            : kind === 'stringlist'
              ? 'x.length > 0'
              : kind === 'any' || kind === 'time' || kind === 'microtime'
                ? 'x !== null'
                : 'x !== 0';
    const convert = isPlain ? '' : `x = ${value};`;
    this.lines.push(`if (x !== undefined && x !== null) { ${present} ${convert} if (${isSet}) ${target} = x; }`);
  }
}

const empty = Object.freeze(Object.create(null));

function compile(typeName: string): Canonicalize {
  const type = typeOf(typeName);
  if (type.kind !== 'struct' && type.kind !== 'typemeta') {
    const custom = compileCustom(typeName, type.kind);
    if (custom) return custom;
  }
  const compiler = new Compiler(typeName);
  const body: string[] = [];
  type.jsonFields.forEach((field, index) => {
    if (field.name) compiler.add(field, index);
  });
  const declarations = compiler.lines.filter((line) => line.startsWith('const '));
  body.push(
    ...declarations,
    'return function (v, c) {',
    'if (v === undefined || v === null) v = EMPTY;',
    "else if (typeof v !== 'object' || Array.isArray(v)) throw V.irregular;",
    'const o = {}; let x, n = 0;',
    ...compiler.lines.filter((line) => !line.startsWith('const ')),
    'c.keys += n; return o; };',
  );
  // The text is made of field names from facts/, never of a request.
  return new Function('V', 'H', 'EMPTY', body.join('\n'))(values, compiler.holders, empty) as Canonicalize;
}
