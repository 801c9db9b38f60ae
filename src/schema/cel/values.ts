// Values of expressions, and JSON as them.
export { fromJson, toJson } from './json-values.ts';
export * from './value-types.ts';
