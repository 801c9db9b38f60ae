// The type of a value that a structural schema describes, with the bounds that the schema sets for estimates of costs.
// Made lazily: of a large schema, rules touch little.
import type { SchemaNode } from '../structural/node.ts';
import { escapeProperty, isReserved } from './property-names.ts';
import {
  boolType,
  bytesType,
  type CelField,
  type CelType,
  doubleType,
  durationType,
  dynType,
  intType,
  listType,
  mapType,
  stringType,
  timestampType,
} from './types.ts';

export const maxRequestBytes = 3 * 1024 * 1024;
const maxText = maxRequestBytes - 2;

const notNegative = (value: number) => Math.max(0, value);
/** Four bytes a character at most. */
const lengthOr = ({ maxLength }: SchemaNode, other: number) =>
  maxLength === undefined ? other : notNegative(maxLength) * 4;

function enumLength({ enum: values }: SchemaNode): number | undefined {
  if (!values) return undefined;
  return Math.max(0, ...values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)));
}

function textType(node: SchemaNode): CelType {
  switch (node.format) {
    case 'byte':
      return { ...bytesType, minSize: 2, maxElements: notNegative(node.maxLength ?? maxText) };
    case 'duration':
      return { ...durationType, minSize: 3, maxElements: 32 };
    case 'date':
      return { ...timestampType, minSize: 12, maxElements: 12, isDate: true };
    case 'date-time':
      return { ...timestampType, minSize: 21, maxElements: 32 };
    default:
      return { ...stringType, minSize: 2, maxElements: lengthOr(node, enumLength(node) ?? maxText) };
  }
}

const plainTypes: ReadonlyMap<string, CelType> = new Map([
  ['boolean', { ...boolType, minSize: 4 }],
  ['number', { ...doubleType, minSize: 1 }],
  ['integer', { ...intType, minSize: 1 }],
]);

/** What is there in every resource, said or not. */
const textNode = { type: 'string', format: '' } as SchemaNode;
const metaProperties = new Map([
  ['name', textNode],
  ['generateName', textNode],
]);
const metaNode = {
  type: 'object',
  format: '',
  properties: metaProperties,
  required: [] as string[],
} as unknown as SchemaNode;

function resourceProperties({ properties }: SchemaNode): ReadonlyMap<string, SchemaNode> {
  const metadata = properties.get('metadata');
  const isText = (node: SchemaNode | undefined) => node?.type === 'string';
  const isSaid =
    isText(properties.get('kind')) &&
    isText(properties.get('apiVersion')) &&
    metadata?.type === 'object' &&
    isText(metadata.properties.get('name')) &&
    isText(metadata.properties.get('generateName'));
  if (isSaid) return properties;
  return new Map([...properties, ['kind', textNode], ['apiVersion', textNode], ['metadata', metaNode]]);
}

class ObjectType implements CelType {
  readonly kind = 'object';
  readonly params = [];
  readonly name: string;
  readonly #node: SchemaNode;
  readonly #properties: ReadonlyMap<string, SchemaNode>;
  readonly #fields = new Map<string, CelField | undefined>();
  #keys: ReadonlyMap<string, string> | undefined;
  #minSize: number | undefined;

  constructor(node: SchemaNode, isResource: boolean, name: string) {
    this.#node = node;
    this.#properties = isResource ? resourceProperties(node) : node.properties;
    this.name = name;
  }

  /** Fields as objects of types have them: these are bound to this one. */
  readonly field = (name: string): CelField | undefined => {
    if (this.#fields.has(name)) return this.#fields.get(name);
    const key = this.#keyOf(name);
    const node = key === undefined ? undefined : this.#properties.get(key);
    const type = node && schemaType(node, node.isEmbedded, `${this.name}.${name}`);
    const field = type && { type, ...(key === name ? {} : { key: key! }) };
    this.#fields.set(name, field);
    return field;
  };

  readonly fieldNames = (): Iterable<string> => [...this.#names().keys()].filter((name) => this.field(name));

  #keyOf(name: string): string | undefined {
    return this.#names().get(name) ?? (isReserved(name) ? this.#names().get(`__${name}__`) : undefined);
  }

  #names(): ReadonlyMap<string, string> {
    if (!this.#keys) {
      const keys = new Map<string, string>();
      for (const key of this.#properties.keys()) {
        const name = escapeProperty(key);
        if (name !== undefined) keys.set(name, key);
      }
      this.#keys = keys;
    }
    return this.#keys;
  }

  get minSize(): number {
    if (this.#minSize === undefined) {
      this.#minSize = 2;
      for (const key of this.#node.required) {
        const node = this.#properties.get(key);
        const type = node && (node.fallback ?? undefined) === undefined && schemaType(node, node.isEmbedded, '');
        if (type) this.#minSize += Buffer.byteLength(key) + (type.minSize ?? 0) + 4;
      }
    }
    return this.#minSize;
  }
}

/** undefined: expressions cannot see such values. `isResource`: it has `metadata` whether the schema says so or not. */
export function schemaType(node: SchemaNode, isResource: boolean, name: string): CelType | undefined {
  if (node.intOrString) return { ...dynType, minSize: 1, maxElements: lengthOr(node, maxText) };
  const type = isResource && node.type === '' ? 'object' : node.type;
  if (type === 'string') return textType(node);
  if (type === 'array') return arrayType(node, name);
  if (type !== 'object') return plainTypes.get(type);
  if (typeof node.additional === 'object') {
    const values = schemaType(node.additional, node.additional.isEmbedded, `${name}.@elem`);
    if (!values) return undefined;
    const max = node.maxProperties === undefined ? undefined : notNegative(node.maxProperties);
    const keys = { ...stringType, minSize: 2 };
    return { ...mapType(keys, values, max ?? Math.floor(maxText / ((values.minSize ?? 0) + 6))), minSize: 2 };
  }
  return new ObjectType(node, isResource, name);
}

function arrayType(node: SchemaNode, name: string): CelType | undefined {
  const items = node.items && schemaType(node.items, node.items.isEmbedded, `${name}.@idx`);
  if (!items) return undefined;
  const max = node.maxItems === undefined ? undefined : notNegative(node.maxItems);
  const kind = node.listType === 'set' || node.listType === 'map' ? node.listType : undefined;
  return {
    ...listType(items, max ?? Math.floor(maxText / ((items.minSize ?? 0) + 1))),
    minSize: 2,
    ...(kind ? { list: { kind, keys: node.listMapKeys } } : {}),
  };
}
