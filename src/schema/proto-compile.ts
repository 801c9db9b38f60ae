// Compiles, for each type on first use, a protobuf encoder and decoder from the field numbers in the fact tables.
// As upstream's: plain scalars and structs are written even when zero, map entries are sorted by key.
import { type Field, type Type, typeOf } from './ir.ts';
import * as values from './proto-values.ts';

type Encode = values.ProtoCodec['encode'];
type Decode = values.ProtoCodec['decode'];
type ProtoCodec = values.ProtoCodec;

const codecs = new Map<string, ProtoCodec>();

/** The codec of a struct type, compiled when first called. */
export function protoCodecOf(typeName: string): ProtoCodec {
  let codec = codecs.get(typeName);
  if (!codec) {
    const created: ProtoCodec = {
      encode: (object, writer) => {
        created.encode = compileEncoder(typeOf(typeName));
        created.encode(object, writer);
      },
      decode: (reader, end, into) => {
        created.decode = compileDecoder(typeOf(typeName));
        return created.decode(reader, end, into);
      },
    };
    codec = created;
    codecs.set(typeName, codec);
  }
  return codec;
}

const wireVarint = 0;
const wireFixed64 = 1;
const wireBytes = 2;

function wireOf(field: Field): number {
  if (field.kind === 'bool' || field.kind === 'int32' || field.kind === 'int64') return wireVarint;
  return field.kind === 'double' ? wireFixed64 : wireBytes;
}

const tagOf = (field: Field): number => field.number * 8 + (field.wrap === 'map' ? wireBytes : wireOf(field));
const property = (name: string): string => `[${JSON.stringify(name)}]`;
const protoFields = (type: Type): Field[] => type.fields.filter((field) => field.number > 0);

class Source {
  readonly codecs: ProtoCodec[] = [];

  codec(typeName: string): string {
    this.codecs.push(protoCodecOf(typeName));
    return `H[${this.codecs.length - 1}]`;
  }

  schemaCodec(field: Field): string {
    return this.codec(typeOf(field.typeName!).fields.find((member) => member.kind === 'struct')!.typeName!);
  }

  /** Statements that write the value `x` without its tag. */
  write(field: Field): string {
    switch (field.kind) {
      case 'string':
        return 'w.string(x);';
      case 'bool':
        return 'w.bool(x);';
      case 'int32':
      case 'int64':
        return 'w.integer(x);';
      case 'double':
        return 'w.double(x);';
      case 'bytes':
        return "w.base64(x ?? '');";
      case 'struct':
        return `{ const m = w.length; ${this.codec(field.typeName!)}.encode(x ?? EMPTY, w); w.small(w.length - m); }`;
      case 'schemaorbool':
      case 'schemaorarray':
      case 'schemaorstringarray':
        return `V.write_${field.kind}(x, w, ${this.schemaCodec(field)});`;
      default:
        return `V.write_${field.kind}(x, w);`;
    }
  }

  /** An expression that reads one value. */
  read(field: Field, end: string): string {
    switch (field.kind) {
      case 'string':
      case 'bool':
      case 'int32':
      case 'int64':
      case 'double':
        return `r.${field.kind}(${end})`;
      case 'bytes':
        return `r.base64(${end})`;
      case 'struct':
        return `V.message(r, ${end}, ${this.codec(field.typeName!)}, undefined)`;
      case 'schemaorbool':
      case 'schemaorarray':
      case 'schemaorstringarray':
        return `V.read_${field.kind}(r, ${end}, ${this.schemaCodec(field)})`;
      default:
        return `V.read_${field.kind}(r, ${end})`;
    }
  }
}

/** Go's zero value for the kinds that are written even when absent. */
const zero: Partial<Record<string, string>> = { string: "''", bool: 'false', int32: '0', int64: '0', double: '0' };

function encodeField(source: Source, field: Field): string {
  const tag = `w.small(${tagOf(field)});`;
  const value = `o${property(field.name)}`;
  if (field.isInline) {
    return `{ const m = w.length; ${source.codec(field.typeName!)}.encode(o, w); w.small(w.length - m); ${tag} }`;
  }
  if (field.wrap === 'list') {
    return `l = ${value}; if (l) for (let i = l.length - 1; i >= 0; i--) { const x = l[i]; ${source.write(field)} ${tag} }`;
  }
  if (field.wrap === 'map') {
    return `l = ${value}; if (l) { const k = V.sortedKeys(l); for (let i = k.length - 1; i >= 0; i--) {
      const x = l[k[i]]; const e = w.length; ${source.write(field)} w.small(${16 + wireOf(field)}); w.string(k[i]); w.small(10);
      w.small(w.length - e); ${tag} } }`;
  }
  const write = `${source.write(field)} ${tag}`;
  if (field.isPointer || field.kind === 'bytes' || field.kind === 'stringlist' || field.kind.startsWith('schemaor')) {
    return `x = ${value}; if (x !== undefined && x !== null) { ${write} }`;
  }
  return field.kind in zero ? `x = ${value} ?? ${zero[field.kind]}; ${write}` : `x = ${value}; ${write}`;
}

const empty = Object.freeze(Object.create(null));

function compileEncoder(type: Type): Encode {
  const source = new Source();
  const fields = protoFields(type).sort((a, b) => b.number - a.number);
  const body = fields.map((field) => encodeField(source, field));
  const text = `return function (o, w) { let x, l;\n${body.join('\n')}\n};`;
  return new Function('V', 'H', 'EMPTY', text)(values, source.codecs, empty) as Encode;
}

function decodeField(source: Source, field: Field): string {
  const target = `o${property(field.name)}`;
  if (field.isInline) {
    return `case ${tagOf(field)}: V.message(r, end, ${source.codec(field.typeName!)}, o); break;`;
  }
  if (field.wrap === 'map') {
    const absent = field.kind === 'bytes' ? "''" : (zero[field.kind] ?? 'null');
    return `case ${tagOf(field)}: V.entry(r, end, ${target} ??= {}, (r, end) => ${source.read(field, 'end')}, ${wireOf(field)}, ${absent}); break;`;
  }
  if (field.wrap === 'list') {
    const one = `case ${tagOf(field)}: (${target} ??= []).push(${source.read(field, 'end')}); break;`;
    if (wireOf(field) === wireBytes) return one;
    return `${one}\ncase ${field.number * 8 + wireBytes}: { const e = r.limit(end), l = ${target} ??= []; while (r.at < e) l.push(${source.read(field, 'e')}); break; }`;
  }
  if (field.kind === 'struct') {
    return `case ${tagOf(field)}: ${target} = V.message(r, end, ${source.codec(field.typeName!)}, ${target}); break;`;
  }
  if (field.kind in zero && !field.isPointer) {
    // Zero is what absence means: not storing it leaves less to canonicalize.
    return `case ${tagOf(field)}: x = ${source.read(field, 'end')}; if (x !== ${zero[field.kind]} || ${target} !== undefined) ${target} = x; break;`;
  }
  return `case ${tagOf(field)}: ${target} = ${source.read(field, 'end')}; break;`;
}

function compileDecoder(type: Type): Decode {
  const source = new Source();
  const fields = protoFields(type);
  const body = fields.map((field) => decodeField(source, field));
  const text = `return function (r, end, o) { let x;
while (r.at < end) { const t = r.tag(end); switch (t) {
${body.join('\n')}
default: V.other(r, t, end, K); } }
return o; };`;
  const known = new Map(fields.map((field) => [field.number, field.name]));
  return new Function('V', 'H', 'K', text)(values, source.codecs, known) as Decode;
}
