// Reads the body of a PATCH request: bounded like every body, with upstream's words for what is no patch.
import { enableBigIntJson } from '../base/big-integers.ts';
import { bodyText } from './codec.ts';
import { ExactDecoder, parseKeepingIntegers } from './exact-decode.ts';
import { scanJson } from './json-scan.ts';
import { describeSyntaxError } from './json-syntax.ts';
import { DecodeError } from './limits.ts';
import { isObject, type JsonObject, PatchError } from './patch-error.ts';

export interface PatchBody<T> {
  readonly patch: T;
  /** `duplicate field "a.b"`, `unknown field "[0].foo"`: for fieldValidation. */
  readonly strictErrors: string[];
}

function parse(body: string | Uint8Array): { text: string; value: unknown; keys: number } {
  const text = bodyText(body);
  const { keys } = scanJson(text);
  enableBigIntJson();
  try {
    return { text, value: parseKeepingIntegers(text), keys };
  } catch {
    throw new PatchError(400, `error decoding patch: ${describeSyntaxError(text)}`);
  }
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'object') return 'object';
  return typeof value === 'boolean' ? 'bool' : typeof value === 'bigint' ? 'number' : typeof value;
}

const wrongType = (value: unknown, goType: string): PatchError =>
  new PatchError(
    400,
    `error decoding patch: json: cannot unmarshal ${typeName(value)} into Go value of type ${goType}`,
  );

function countKeys(root: unknown): number {
  let count = 0;
  const stack = [root];
  while (stack.length > 0) {
    const item = stack.pop();
    if (typeof item !== 'object' || item === null) continue;
    const children = Object.values(item);
    if (!Array.isArray(item)) count += children.length;
    for (const child of children) stack.push(child);
  }
  return count;
}

const duplicatesIn = (text: string): string[] => ExactDecoder.duplicates(text);

/** The body of a merge patch or a strategic merge patch. */
export function decodeMergePatch(body: string | Uint8Array): PatchBody<JsonObject> {
  const { text, value, keys } = parse(body);
  if (value === null) throw new PatchError(400, 'Invalid JSON Patch');
  if (!isObject(value)) throw wrongType(value, 'map[string]interface {}');
  return { patch: value, strictErrors: countKeys(value) === keys ? [] : duplicatesIn(text) };
}

export interface JsonPatchOperation {
  readonly op: string;
  readonly path: string;
  readonly from: string;
  readonly value: unknown;
  /** `value` was given, be it null. */
  readonly hasValue: boolean;
}

const maxOperations = 10_000;
const operationFields = new Set(['op', 'path', 'from', 'value']);

function operation(item: unknown, index: number, strictErrors: string[]): JsonPatchOperation {
  const fields = item ?? {};
  if (!isObject(fields)) throw wrongType(item, 'handlers.jsonPatchOp');
  const text = (name: string): string => {
    const value = fields[name];
    if (value === undefined || value === null) return '';
    if (typeof value === 'string') return value;
    throw new PatchError(
      400,
      `error decoding patch: json: cannot unmarshal ${typeName(value)} into Go struct field jsonPatchOp.${name} of type string`,
    );
  };
  for (const name of Object.keys(fields)) {
    if (!operationFields.has(name))
      strictErrors.push(`json patch unknown field ${JSON.stringify(`[${index}].${name}`)}`);
  }
  const hasValue = Object.hasOwn(fields, 'value');
  return { op: text('op'), path: text('path'), from: text('from'), value: fields['value'], hasValue };
}

/** The body of a JSON patch (RFC 6902). */
export function decodeJsonPatch(body: string | Uint8Array): PatchBody<JsonPatchOperation[]> {
  const { text, value, keys } = parse(body);
  if (value === null) return { patch: [], strictErrors: [] };
  if (!Array.isArray(value)) throw wrongType(value, '[]handlers.jsonPatchOp');
  if (value.length > maxOperations) {
    throw new PatchError(
      413,
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${value.length}`,
    );
  }
  const strictErrors: string[] = [];
  const patch = value.map((item, index) => operation(item, index, strictErrors));
  if (countKeys(value) !== keys) strictErrors.push(...duplicatesIn(text).map((error) => `json patch ${error}`));
  return { patch, strictErrors };
}

export { DecodeError };
