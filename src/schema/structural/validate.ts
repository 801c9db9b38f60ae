// Values against schemas, in the order and the words of upstream's validator.
import { isDeepStrictEqual } from 'node:util';
import { hasFormat } from './formats.ts';
import { isJsonObject, isMetaField, type JsonObject, type SchemaNode } from './node.ts';
import type { SchemaError } from './schema-error.ts';

/** The stored value that a new one replaces, where both can be told to be the same thing. */
interface Before {
  readonly value: unknown;
}

/** What is wrong is bounded: a long list of bad items says enough by its first ones. */
const maxErrors = 500;

class Validator {
  readonly errors: SchemaError[] = [];

  add(error: SchemaError): void {
    if (this.errors.length < maxErrors) this.errors.push(error);
  }

  invalid(field: string, value: unknown, detail: string): void {
    this.add({ reason: 'invalid', field, value, detail: `${field} in body ${detail}` });
  }

  /** Errors of combinations name no field. */
  general(detail: string): void {
    this.add({ reason: 'invalid', field: undefined, value: '', detail });
  }

  value(value: unknown, node: SchemaNode, at: string, before?: Before): void {
    // What was accepted once and has not changed is accepted again, whatever the schema says now.
    if (before && isDeepStrictEqual(value, before.value)) return;
    this.#type(value, node, at);
    this.#combinations(value, node, at, before);
    if (typeof value === 'string') this.#string(value, node, at);
    else if (typeof value === 'number' || typeof value === 'bigint') this.#number(Number(value), node, at);
    else if (Array.isArray(value)) this.#list(value, node, at, before);
    if (node.enum && value !== null && !node.enum.some((each) => isDeepStrictEqual(each, value))) {
      this.add({ reason: 'notSupported', field: at, value, supported: node.enum.map(enumText) });
    }
    if (isJsonObject(value)) this.#object(value, node, at, before);
  }

  #type(value: unknown, node: SchemaNode, at: string): void {
    const wanted = node.intOrString ? ['integer', 'string'] : node.type ? [node.type] : [];
    if (wanted.length === 0) return;
    const actual = typeName(value);
    if (actual === 'null' && node.nullable) return;
    const isNumber = actual === 'integer' && wanted.includes('number');
    if (wanted.includes(actual) || isNumber) return;
    this.add({
      reason: 'typeInvalid',
      field: at,
      value: actual,
      detail: `${at} in body must be of type ${wanted.join(',')}: ${JSON.stringify(actual)}`,
    });
  }

  #combinations(value: unknown, node: SchemaNode, at: string, before?: Before): void {
    const quoted = JSON.stringify(at);
    const results = (nodes: readonly SchemaNode[]) => nodes.map((each) => errorsOf(value, each, at, before));
    if (node.anyOf.length > 0) {
      const tried = results(node.anyOf);
      if (tried.every((errors) => errors.length > 0)) {
        this.general(`${quoted} must validate at least one schema (anyOf)`);
        for (const error of nearest(tried)) this.add(error);
      }
    }
    if (node.oneOf.length > 0) {
      const tried = results(node.oneOf);
      const valid = tried.filter((errors) => errors.length === 0).length;
      const found = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
      if (valid !== 1) this.general(`${quoted} must validate one and only one schema (oneOf). ${found}`);
      if (valid === 0) for (const error of nearest(tried)) this.add(error);
    }
    if (node.allOf.length > 0) {
      const tried = results(node.allOf);
      const valid = tried.filter((errors) => errors.length === 0).length;
      for (const error of tried.flat()) this.add(error);
      if (valid < tried.length) {
        this.general(`${quoted} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`);
      }
    }
    if (node.not && errorsOf(value, node.not, at, before).length === 0) {
      this.general(`${quoted} must not validate the schema (not)`);
    }
  }

  #string(value: string, node: SchemaNode, at: string): void {
    const { minLength, maxLength, pattern } = node;
    if (maxLength !== undefined || minLength !== undefined) {
      const length = characters(value);
      if (maxLength !== undefined && length > maxLength) {
        this.add({ reason: 'tooLong', field: at, value, limit: maxLength });
      }
      if (minLength !== undefined && length < minLength) {
        this.invalid(at, value, `should be at least ${minLength} chars long`);
      }
    }
    if (pattern && !pattern.test(value)) this.invalid(at, value, `should match '${pattern.text}'`);
    if (node.format && !hasFormat(value, node.format)) {
      const detail = `${at} in body must be of type ${node.format}: ${JSON.stringify(value)}`;
      this.add({ reason: 'typeInvalid', field: at, value, detail });
    }
  }

  #number(value: number, node: SchemaNode, at: string): void {
    const { type, format, multipleOf, maximum, minimum } = node;
    const range = rangeProblem(value, type, format);
    if (range) this.general(`Checked value must be of type ${range} in ${at}`);
    if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
      this.invalid(at, value, `should be a multiple of ${multipleOf}`);
    }
    if (maximum !== undefined && (node.exclusiveMaximum ? value >= maximum : value > maximum)) {
      this.invalid(at, value, `should be less than ${node.exclusiveMaximum ? '' : 'or equal to '}${maximum}`);
    }
    if (minimum !== undefined && (node.exclusiveMinimum ? value <= minimum : value < minimum)) {
      this.invalid(at, value, `should be greater than ${node.exclusiveMinimum ? '' : 'or equal to '}${minimum}`);
    }
  }

  #list(value: readonly unknown[], node: SchemaNode, at: string, before?: Before): void {
    const { items, minItems, maxItems } = node;
    if (items) {
      const partner = before && partnersByKey(before.value, node);
      for (let index = 0; index < value.length; index++) {
        this.value(value[index], items, `${at}[${index}]`, partner?.(value[index]));
      }
    }
    if (minItems !== undefined && value.length < minItems) {
      this.invalid(at, value.length, `should have at least ${minItems} items`);
    }
    if (maxItems !== undefined && value.length > maxItems) {
      this.add({ reason: 'tooMany', field: at, value: value.length, limit: maxItems });
    }
    if (node.uniqueItems && hasDuplicates(value)) this.invalid(at, value, "shouldn't contain duplicates");
  }

  #object(value: JsonObject, node: SchemaNode, at: string, before?: Before): void {
    const keys = Object.keys(value);
    const { minProperties, maxProperties } = node;
    if (minProperties !== undefined && keys.length < minProperties) {
      this.invalid(at, keys.length, `should have at least ${minProperties} properties`);
    }
    if (maxProperties !== undefined && keys.length > maxProperties) {
      this.add({ reason: 'tooMany', field: at, value: keys.length, limit: maxProperties });
    }
    const was = before && isJsonObject(before.value) ? before.value : undefined;
    const partner = (key: string) => (was && Object.hasOwn(was, key) ? { value: was[key] } : undefined);
    for (const key of keys) {
      const child = node.properties.get(key);
      const place = at ? `${at}.${key}` : key;
      if (child) this.value(value[key], child, place, partner(key));
      else if (typeof node.additional === 'object') this.value(value[key], node.additional, place, partner(key));
      else if (node.isClosed && !(at === '' && isMetaField(key))) {
        this.add({
          reason: 'invalid',
          field: at,
          value: undefined,
          detail: `${at}.${key} in body is a forbidden property`,
        });
      }
    }
    for (const key of node.required) {
      if (!Object.hasOwn(value, key)) this.add({ reason: 'required', field: at ? `${at}.${key}` : key });
    }
  }
}

function errorsOf(value: unknown, node: SchemaNode, at: string, before?: Before): SchemaError[] {
  const validator = new Validator();
  validator.value(value, node, at, before);
  return validator.errors;
}

/** The alternative that comes nearest speaks for all. */
function nearest(tried: readonly SchemaError[][]): readonly SchemaError[] {
  return tried.reduce((best, errors) => (errors.length < best.length ? errors : best));
}

const enumText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'bigint') return 'integer';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** Length as upstream counts it: in code points. */
function characters(value: string): number {
  let count = 0;
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if (code < 0xdc00 || code > 0xdfff) count++;
  }
  return count;
}

function isMultiple(value: number, factor: number): boolean {
  const quotient = value / factor;
  return (
    Number.isInteger(quotient) || Math.abs(quotient - Math.round(quotient)) < 1e-9 * Math.max(1, Math.abs(quotient))
  );
}

/** What a number should have been, or undefined when it is. */
function rangeProblem(value: number, type: string, format: string): string | undefined {
  if (type === 'integer') {
    const [low, high] = format === 'int32' ? [-2147483648, 2147483647] : [-(2 ** 63), 2 ** 63];
    const named =
      format === 'int32' || format === 'int64' ? `integer with format ${format}` : 'integer (default format)';
    return Number.isInteger(value) && value >= low && value <= high ? undefined : named;
  }
  if (type === 'number' && format === 'float' && Math.abs(value) > 3.4028234663852886e38)
    return 'number with format float';
  return undefined;
}

function hasDuplicates(items: readonly unknown[]): boolean {
  const seen = new Set<string>();
  for (const item of items) {
    const key = stableText(item);
    if (seen.has(key)) return true;
    seen.add(key);
  }
  return false;
}

/** The same text for equal values, whatever the order of their keys. */
export function stableText(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  return JSON.stringify(value, (_key, inner) =>
    isJsonObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

/** Items of lists that are maps are told apart by their keys; of other lists nothing is known. */
function partnersByKey(before: unknown, node: SchemaNode): ((item: unknown) => Before | undefined) | undefined {
  if (node.listType !== 'map' || !Array.isArray(before)) return undefined;
  const keyOf = (item: unknown) =>
    stableText(node.listMapKeys.map((key) => (isJsonObject(item) ? item[key] : null) ?? null));
  const known = new Map(before.map((item) => [keyOf(item), { value: item }]));
  return (item) => known.get(keyOf(item));
}

/** `before` is the stored object of an update: what did not change is not complained of. */
export function validateValue(value: unknown, node: SchemaNode, before?: unknown): SchemaError[] {
  const errors = errorsOf(value, node, '');
  if (errors.length === 0 || before === undefined) return errors;
  return errorsOf(value, node, '', { value: before });
}
