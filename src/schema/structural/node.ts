// A structural schema, read once into nodes that pruning, defaulting and validation walk. The walk is bounded by the
// schema: what a schema does not describe is either dropped or kept as it is, never descended into.
import { RE2JS } from 're2js';
import type { JSONSchemaProps, ValidationRule } from '../../../generated/apiextensions-v1.ts';

/** The validating keywords of one place; `allOf`, `anyOf`, `oneOf` and `not` hold nothing but these. */
export interface Keywords {
  readonly type: string;
  readonly format: string;
  readonly nullable: boolean;
  readonly intOrString: boolean;
  readonly maximum?: number;
  readonly exclusiveMaximum: boolean;
  readonly minimum?: number;
  readonly exclusiveMinimum: boolean;
  readonly multipleOf?: number;
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly pattern?: { readonly text: string; test(value: string): boolean };
  readonly maxItems?: number;
  readonly minItems?: number;
  readonly uniqueItems: boolean;
  readonly maxProperties?: number;
  readonly minProperties?: number;
  readonly enum?: readonly unknown[];
  readonly required: readonly string[];
}

export interface SchemaNode extends Keywords {
  readonly properties: ReadonlyMap<string, SchemaNode>;
  /** Schema of the values of other keys; true: any value. */
  readonly additional: SchemaNode | true | undefined;
  /** `additionalProperties: false`: other keys are errors where they are not pruned. */
  readonly isClosed: boolean;
  readonly items: SchemaNode | undefined;
  readonly allOf: readonly SchemaNode[];
  readonly anyOf: readonly SchemaNode[];
  readonly oneOf: readonly SchemaNode[];
  readonly not: SchemaNode | undefined;
  readonly preserves: boolean;
  readonly isEmbedded: boolean;
  readonly fallback: unknown;
  /** Something here or below has a default. */
  readonly hasDefaults: boolean;
  readonly listType: string;
  readonly listMapKeys: readonly string[];
  /** Something here or below is a set or a map in list form. */
  readonly hasListTypes: boolean;
  readonly hasEmbedded: boolean;
  readonly rules: readonly ValidationRule[];
  /** Something here or below has rules. */
  readonly hasRules: boolean;
}

const patterns = new Map<string, RE2JS>();
const maxPatterns = 2000;

/** @throws an error of re2js for what is no RE2 pattern */
export function compilePattern(text: string): RE2JS {
  let pattern = patterns.get(text);
  if (!pattern) {
    pattern = RE2JS.compile(text);
    if (patterns.size >= maxPatterns) patterns.clear();
    patterns.set(text, pattern);
  }
  return pattern;
}

/** Compiled when it is first met: definitions have many patterns that no request touches. */
function lazyPattern(text: string): { text: string; test(value: string): boolean } {
  return {
    text,
    test(value) {
      try {
        return compilePattern(text).matcher(value).find();
      } catch {
        return false; // Definitions with such patterns are refused; this one was stored before we looked.
      }
    },
  };
}

const present = <K extends string, V>(key: K, value: V | null | undefined): { [P in K]?: V } =>
  value === undefined || value === null ? {} : ({ [key]: value } as { [P in K]?: V });

/** A bound may be an integer beyond 2^53: as good as none, and exact enough as a double. */
const bound = <K extends string>(key: K, value: number | bigint | null | undefined): { [P in K]?: number } =>
  present(key, value === undefined || value === null ? undefined : Number(value));

const asList = (schemas: readonly JSONSchemaProps[] | null | undefined): SchemaNode[] => (schemas ?? []).map(toNode);

/** Reads a schema. What no structural schema may have ($ref, definitions…) is not looked at. */
export function toNode(schema: JSONSchemaProps): SchemaNode {
  const properties = new Map(Object.entries(schema.properties ?? {}).map(([name, each]) => [name, toNode(each)]));
  const extra = schema.additionalProperties as JSONSchemaProps | boolean | null | undefined;
  const additional = extra === true ? true : typeof extra === 'object' && extra !== null ? toNode(extra) : undefined;
  const itemSchema = schema.items as JSONSchemaProps | JSONSchemaProps[] | null | undefined;
  const items = itemSchema && !Array.isArray(itemSchema) ? toNode(itemSchema) : undefined;
  const below = [
    ...properties.values(),
    ...(typeof additional === 'object' ? [additional] : []),
    ...(items ? [items] : []),
  ];
  const listType = schema['x-kubernetes-list-type'] ?? '';
  const allOf = asList(schema.allOf);
  const rules = schema['x-kubernetes-validations'] ?? [];
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true;
  const fallback = schema.default as unknown;
  return {
    type: schema.type ?? '',
    format: schema.format ?? '',
    nullable: schema.nullable === true,
    intOrString: schema['x-kubernetes-int-or-string'] === true,
    ...present('maximum', schema.maximum),
    exclusiveMaximum: schema.exclusiveMaximum === true,
    ...present('minimum', schema.minimum),
    exclusiveMinimum: schema.exclusiveMinimum === true,
    ...present('multipleOf', schema.multipleOf),
    ...bound('maxLength', schema.maxLength),
    ...bound('minLength', schema.minLength),
    ...present('pattern', schema.pattern ? lazyPattern(schema.pattern) : undefined),
    ...bound('maxItems', schema.maxItems),
    ...bound('minItems', schema.minItems),
    uniqueItems: schema.uniqueItems === true,
    ...bound('maxProperties', schema.maxProperties),
    ...bound('minProperties', schema.minProperties),
    ...present('enum', schema.enum?.length ? schema.enum : undefined),
    required: schema.required ?? [],
    properties,
    additional,
    isClosed: extra === false,
    items,
    allOf,
    anyOf: asList(schema.anyOf),
    oneOf: asList(schema.oneOf),
    not: schema.not ? toNode(schema.not) : undefined,
    preserves: schema['x-kubernetes-preserve-unknown-fields'] === true,
    isEmbedded,
    fallback: fallback ?? undefined,
    hasDefaults: (fallback ?? undefined) !== undefined || below.some((each) => each.hasDefaults),
    listType,
    listMapKeys: schema['x-kubernetes-list-map-keys'] ?? [],
    hasListTypes: listType === 'set' || listType === 'map' || below.some((each) => each.hasListTypes),
    hasEmbedded: isEmbedded || below.some((each) => each.hasEmbedded),
    rules,
    hasRules: rules.length > 0 || [...below, ...allOf].some((each) => each.hasRules),
  };
}

export type JsonObject = Record<string, unknown>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Written by the server and understood without the schema. */
export const isMetaField = (name: string): boolean => name === 'apiVersion' || name === 'kind' || name === 'metadata';

/** `__proto__` as a key of user data must be a key like any other. */
export function setKey(object: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}
