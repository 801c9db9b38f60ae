// Decodes JSON as Go's case-sensitive decoder does, in document order, with its errors: the first wrong type, unknown
// and duplicate fields, big integers kept. Slower than the compiled path, and only run when that one meets something odd.
// Recursion is bounded: scanJson refused texts nested deeper than limits.depth.
import { enableBigIntJson } from '../base/big-integers.ts';
import { setKey } from './canonical-values.ts';
import { type Field, type Type, typeOf } from './ir.ts';
import { DecodeError } from './limits.ts';
import { canonicalQuantity } from './quantity.ts';
import { parseDuration, parseTime } from './time.ts';

const maxStrictErrors = 100;
const maxInt64 = 9223372036854775807n;

/** Go's name for the JSON value that starts with this character. */
function goValueName(char: string | undefined): string {
  if (char === '"') return 'string';
  if (char === '{') return 'object';
  if (char === '[') return 'array';
  return char === 't' || char === 'f' ? 'bool' : 'number';
}

type Wrapped = 'list' | 'map' | undefined;

export class ExactDecoder {
  readonly strictErrors: string[] = [];
  readonly #text: string;
  #at = 0;
  #savedError: string | undefined;
  /** Names of the fields being decoded, for type errors; and with keys and indexes, for strict ones. */
  readonly #fields: string[] = [];
  readonly #path: string[] = [];
  #struct = '';
  #strictDepth = 0;

  /** `text` must be JSON. */
  constructor(text: string) {
    this.#text = text;
  }

  /** The decoded object, before it is made canonical. */
  run(typeName: string): unknown {
    const type = typeOf(typeName);
    this.#space();
    const value = this.#structValue(type, undefined, `${type.shortName}`);
    if (this.#savedError) throw new DecodeError('type', this.#savedError);
    return value;
  }

  /** The duplicate keys of any JSON text, as strict errors. */
  static duplicates(text: string): string[] {
    const decoder = new ExactDecoder(text);
    decoder.#findDuplicates();
    return decoder.strictErrors;
  }

  #findDuplicates(): void {
    const char = this.#peek();
    if (char === '[') {
      this.#array((index) => {
        this.#path.push(`[${index}]`);
        this.#findDuplicates();
        this.#path.pop();
      });
    } else if (char === '{') {
      const seen = new Set<string>();
      this.#object((key) => {
        if (seen.has(key)) this.#strict('duplicate', key);
        seen.add(key);
        this.#enter('', key);
        this.#findDuplicates();
        this.#path.pop();
      });
    } else this.#skip();
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #peek(): string | undefined {
    this.#space();
    return this.#text[this.#at];
  }

  /** Passes over one value, without recursion, and gives its text. */
  #skip(): string {
    this.#space();
    const start = this.#at;
    let depth = 0;
    do {
      const char = this.#text[this.#at];
      if (char === '"') this.#skipString();
      else if (char === '{' || char === '[') {
        depth++;
        this.#at++;
      } else if (char === '}' || char === ']') {
        depth--;
        this.#at++;
      } else if (char === ',' || char === ':' || char === ' ' || char === '\n' || char === '\r' || char === '\t') {
        this.#at++;
      } else {
        const match = /[-+.0-9a-zA-Z]+/y;
        match.lastIndex = this.#at;
        match.exec(this.#text);
        this.#at = Math.max(match.lastIndex, this.#at + 1);
      }
    } while (depth > 0);
    return this.#text.slice(start, this.#at);
  }

  #skipString(): void {
    this.#at++;
    while (this.#text[this.#at] !== '"') this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    this.#at++;
  }

  #string(): string {
    const start = this.#at;
    this.#skipString();
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #message(value: string, goType: string): string {
    const where = this.#fields.length > 0 ? `Go struct field ${this.#struct}.${this.#fields.join('.')}` : 'Go value';
    return `json: cannot unmarshal ${value} into ${where} of type ${goType}`;
  }

  /** Go goes on after a wrong type and reports the first one. */
  #saveTypeError(value: string, goType: string): void {
    this.#savedError ??= this.#message(value, goType);
  }

  #wrongType(goType: string): undefined {
    this.#saveTypeError(goValueName(this.#peek()), goType);
    this.#skip();
    return undefined;
  }

  #strict(what: 'unknown' | 'duplicate', key: string): void {
    if (this.#strictDepth > 0 || this.strictErrors.length >= maxStrictErrors) return;
    const path = this.#path.length > 0 ? `${this.#path.join('')}.${key}` : key;
    const message = `${what} field ${JSON.stringify(path)}`;
    if (!this.strictErrors.includes(message)) this.strictErrors.push(message);
  }

  /** Runs `each` for the keys of the object that starts here; `each` consumes the value. */
  #object(each: (key: string) => void): void {
    this.#at++;
    while (this.#peek() !== '}') {
      if (this.#text[this.#at] === ',') this.#at++;
      this.#space();
      const key = this.#string();
      this.#space();
      this.#at++;
      each(key);
    }
    this.#at++;
  }

  #array(each: (index: number) => void): void {
    this.#at++;
    for (let index = 0; this.#peek() !== ']'; index++) {
      if (this.#text[this.#at] === ',') this.#at++;
      each(index);
    }
    this.#at++;
  }

  #enter(name: string, key: string): void {
    if (name) this.#fields.push(name);
    this.#path.push(this.#path.length > 0 ? `.${key}` : key);
  }

  #structValue(type: Type, existing: unknown, goType: string): unknown {
    const char = this.#peek();
    if (char === 'n') {
      this.#skip();
      return existing;
    }
    if (char !== '{') return this.#wrongType(goType) ?? existing;
    const result = (existing ?? {}) as Record<string, unknown>;
    const seen = new Set<string>();
    const outer = this.#struct;
    this.#object((key) => {
      const field = key ? type.jsonField.get(key) : undefined;
      if (!field) {
        this.#strict('unknown', key);
        this.#skip();
        return;
      }
      if (seen.has(key)) this.#strict('duplicate', key);
      seen.add(key);
      this.#struct = type.shortName;
      this.#enter(field.goPath, key);
      const value = this.#fieldValue(field, field.wrap, result[key]);
      if (value !== undefined) result[key] = value;
      this.#fields.pop();
      this.#path.pop();
      this.#struct = outer;
    });
    return result;
  }

  #fieldValue(field: Field, wrap: Wrapped, existing: unknown): unknown {
    if (wrap === 'list') return this.#listValue(field);
    if (wrap === 'map') return this.#mapValue(field, existing);
    switch (field.kind) {
      case 'struct':
        return this.#structValue(typeOf(field.typeName!), existing, field.goValue);
      case 'time':
      case 'microtime':
      case 'duration':
      case 'quantity':
      case 'intorstring':
        return this.#unmarshaler(field.kind);
      case 'rawjson':
      case 'rawextension':
      case 'any':
        return this.#rawValue();
      case 'stringlist':
        return this.#stringList(field.goValue);
      case 'schemaorbool':
      case 'schemaorarray':
      case 'schemaorstringarray':
        return this.#schemaOr(field);
      default:
        return this.#scalar(field);
    }
  }

  #scalar(field: Field): unknown {
    const char = this.#peek();
    if (char === 'n') {
      this.#skip();
      return undefined;
    }
    const wanted = goValueName(char);
    switch (field.kind) {
      case 'string':
        return wanted === 'string' ? this.#string() : this.#wrongType(field.goValue);
      case 'bool':
        return wanted === 'bool' ? this.#skip() === 'true' : this.#wrongType(field.goValue);
      case 'bytes':
        return this.#bytes(wanted, field.goValue);
      default:
        return wanted === 'number' ? this.#number(field) : this.#wrongType(field.goValue);
    }
  }

  #bytes(wanted: string, goType: string): string | undefined {
    if (wanted === 'array') return this.#byteArray();
    if (wanted !== 'string') return this.#wrongType(goType);
    const text = this.#string();
    const bad = text.replace(/[\r\n]/g, '').search(/[^A-Za-z0-9+/=]|=(?!=?$)/);
    const length = text.replace(/[\r\n]/g, '').length;
    if (bad >= 0 || length % 4 !== 0) {
      this.#savedError ??= `illegal base64 data at input byte ${bad >= 0 ? bad : length - (length % 4)}`;
      return undefined;
    }
    return text;
  }

  /** Go reads a list of numbers into bytes, too. */
  #byteArray(): string {
    const numbers: number[] = [];
    this.#array(() => {
      const text = this.#skip();
      const number = Number(text);
      if (Number.isInteger(number) && number >= 0 && number < 256) numbers.push(number);
      else this.#saveTypeError(/^[-0-9]/.test(text) ? `number ${text}` : goValueName(text[0]), 'uint8');
    });
    return Buffer.from(numbers).toString('base64');
  }

  #number(field: Field): number | bigint | undefined {
    const text = this.#skip();
    if (field.kind === 'double') {
      const value = Number(text);
      if (Number.isFinite(value)) return value;
    } else if (/^-?[0-9]{1,20}$/.test(text)) {
      const value = BigInt(text);
      const limit = field.kind === 'int32' ? 2147483647n : maxInt64;
      if (value <= limit && value >= -limit - 1n) return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
    this.#saveTypeError(`number ${text}`, field.goValue);
    return undefined;
  }

  #listValue(field: Field): unknown {
    const char = this.#peek();
    if (char === 'n') {
      this.#skip();
      return null;
    }
    if (char !== '[') return this.#wrongType(field.goType);
    const result: unknown[] = [];
    this.#array((index) => {
      this.#path.push(`[${index}]`);
      result.push(this.#fieldValue(field, undefined, undefined) ?? null);
      this.#path.pop();
    });
    return result;
  }

  #mapValue(field: Field, existing: unknown): unknown {
    const char = this.#peek();
    if (char === 'n') {
      this.#skip();
      return null;
    }
    if (char !== '{') return this.#wrongType(field.goType);
    const result = (existing ?? {}) as Record<string, unknown>;
    this.#object((key) => {
      if (Object.hasOwn(result, key)) this.#strict('duplicate', key);
      this.#enter('', key);
      setKey(result, key, this.#fieldValue(field, undefined, undefined) ?? null);
      this.#path.pop();
    });
    return result;
  }

  #stringList(goType: string): string[] | null | undefined {
    const char = this.#peek();
    if (char === 'n') {
      this.#skip();
      return null;
    }
    if (char !== '[') return this.#wrongType(goType);
    const result: string[] = [];
    this.#array(() => {
      const item = this.#peek();
      if (item === '"') result.push(this.#string());
      else if (item === 'n') {
        this.#skip();
        result.push('');
      } else this.#wrongType('string');
    });
    return result;
  }

  /** Types that read themselves: what they refuse ends the decoding at once. */
  #unmarshaler(kind: 'time' | 'microtime' | 'duration' | 'quantity' | 'intorstring'): unknown {
    const char = this.#peek();
    const fail = (message: string): never => {
      throw new DecodeError('type', message);
    };
    if (kind === 'intorstring' && char !== '"' && char !== 'n') {
      const text = goValueName(char) === 'number' ? this.#skip() : undefined;
      if (text !== undefined && /^-?[0-9]{1,10}$/.test(text) && (Number(text) | 0) === Number(text))
        return Number(text);
      return fail(this.#message(text === undefined ? goValueName(char) : `number ${text}`, 'int32'));
    }
    if (char === 'n') {
      this.#skip();
      return null;
    }
    if (kind === 'quantity') {
      const text = char === '"' ? this.#string() : this.#skip();
      return this.#checked(() => canonicalQuantity(text.trim()));
    }
    if (char !== '"') return fail(this.#message(goValueName(char), 'string'));
    const text = this.#string();
    if (kind === 'intorstring') return text;
    this.#checked(() => (kind === 'duration' ? parseDuration(text) : parseTime(text, kind)));
    return text;
  }

  #checked<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw new DecodeError('type', (error as Error).message);
    }
  }

  #schemaOr(field: Field): unknown {
    const char = this.#peek();
    const schema = typeOf(typeOf(field.typeName!).fields.find((member) => member.kind === 'struct')!.typeName!);
    if (char === 'n') {
      this.#skip();
      return undefined;
    }
    if (field.kind === 'schemaorbool' && (char === 't' || char === 'f')) return this.#skip() === 'true';
    if (field.kind === 'schemaorbool' && char !== '{') throw new DecodeError('type', 'boolean or JSON schema expected');
    if (field.kind === 'schemaorstringarray' && char === '[') return this.#stringList('[]string');
    // These types read themselves with the lenient decoder.
    this.#strictDepth++;
    try {
      if (field.kind === 'schemaorarray' && char === '[') {
        const result: unknown[] = [];
        this.#array(() => result.push(this.#structValue(schema, undefined, 'v1.JSONSchemaProps') ?? null));
        return result;
      }
      return this.#structValue(schema, undefined, 'v1.JSONSchemaProps');
    } finally {
      this.#strictDepth--;
    }
  }

  #rawValue(): unknown {
    return parseKeepingIntegers(this.#skip());
  }
}

/**
 * JSON.parse that keeps integers beyond 2^53 as BigInt, and refuses numbers that no double can hold. `keeps`: which of them;
 * the others are doubles.
 */
export function parseKeepingIntegers(text: string, keeps: (digits: bigint) => boolean = () => true): unknown {
  if (!/[0-9]{16}|[0-9][eE]\+?[0-9]{3}/.test(text)) return JSON.parse(text);
  enableBigIntJson();
  const reviver = (_key: string, value: unknown, context: { source?: string }): unknown => {
    if (typeof value !== 'number' || Number.isSafeInteger(value) || !context.source) return value;
    if (!Number.isFinite(value)) {
      throw new DecodeError('type', `json: cannot unmarshal number ${context.source} into Go value of type float64`);
    }
    if (!/^-?[0-9]{16,40}$/.test(context.source)) return value;
    const digits = BigInt(context.source);
    return keeps(digits) ? digits : value;
  };
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}
