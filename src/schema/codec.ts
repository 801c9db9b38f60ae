// Bodies in, objects in canonical form out, and back. Canonical form is what Go would print after reading: known fields
// only, in Go's order, zero values as Go's tags say.

import { enableBigIntJson } from '../base/big-integers.ts';
import { inOnePiece, type Steps } from '../base/turns.ts';
import { canonicalizerOf } from './canonical.ts';
import { irregular } from './canonical-values.ts';
import { copyJson } from './copy-json.ts';
import { customTypeOf } from './custom-types.ts';
import { decodeCustom } from './decode-custom.ts';
import { ExactDecoder } from './exact-decode.ts';
import { typeOf } from './ir.ts';
import { type JsonScan, replaceLoneSurrogateEscapes, scanJson } from './json-scan.ts';
import { describeSyntaxError } from './json-syntax.ts';
import { DecodeError } from './limits.ts';

export { DecodeError } from './limits.ts';

export interface Decoded<T = any> {
  /** Canonical; the caller owns it. */
  readonly object: T;
  /** Unknown and duplicate fields in document order: `unknown field "spec.foo"`. Empty unless asked for. */
  readonly strictErrors: string[];
}

export interface DecodeOptions {
  /** Look for unknown and duplicate fields (fieldValidation Strict and Warn). */
  readonly strict: boolean;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a body. Throws DecodeError where it is not UTF-8. */
export function bodyText(body: string | Uint8Array): string {
  if (typeof body === 'string') return body;
  try {
    return utf8.decode(body);
  } catch {
    throw new DecodeError('syntax', 'invalid UTF-8 in request body');
  }
}

interface ParsedBody {
  readonly text: string;
  readonly tree: unknown;
  readonly keys: number;
  readonly hasOddNumbers: boolean;
}

function parseBody(body: string | Uint8Array): ParsedBody {
  const text = bodyText(body);
  return parseScanned(text, scanJson(text));
}

function parseScanned(scanned: string, scan: JsonScan): ParsedBody {
  let text = scanned;
  if (scan.hasSurrogateEscapes) text = replaceLoneSurrogateEscapes(text);
  try {
    return { text, tree: JSON.parse(text), keys: scan.keys, hasOddNumbers: scan.hasOddNumbers };
  } catch {
    throw new DecodeError('syntax', describeSyntaxError(text));
  }
}

function toCanonical(typeName: string, body: ParsedBody, options: DecodeOptions): Decoded {
  const custom = customTypeOf(typeName);
  if (custom) return decodeCustom(custom, body, options);
  if (!body.hasOddNumbers) {
    const context = { keys: 0, ownsTree: true };
    try {
      const object = canonicalizerOf(typeName).run(body.tree, context);
      // Every key was known and met once: nothing to complain about. Go looks at every value of a key given twice.
      if (context.keys === body.keys) return { object, strictErrors: [] };
    } catch {
      // Something is wrong somewhere; the exact decoder says what, in upstream's words.
    }
  }
  enableBigIntJson();
  const decoder = new ExactDecoder(body.text);
  const tree = decoder.run(typeName);
  const object = canonicalizerOf(typeName).run(tree, { keys: 0, ownsTree: true });
  return { object, strictErrors: options.strict ? decoder.strictErrors : [] };
}

/** Decodes a JSON body of a known type. Throws DecodeError with Go's text. */
export function decodeJson<T = any>(typeName: string, body: string | Uint8Array, options: DecodeOptions): Decoded<T> {
  return toCanonical(typeName, parseBody(body), options);
}

export interface KindInBody {
  readonly apiVersion: string;
  readonly kind: string;
}

/**
 * Decodes a JSON body that says itself what it is: `resolve` gives the type for it (or throws). Parses once.
 * A DecodeError carries what the body said, as far as it could be read.
 */
export function decodeJsonBody<T = any>(
  body: string | Uint8Array,
  resolve: (says: KindInBody) => string,
  options: DecodeOptions,
): Decoded<T> & KindInBody {
  const { parsed, says } = readKind(body);
  const typeName = resolve(says);
  try {
    return { ...toCanonical(typeName, parsed, options), ...says };
  } catch (error) {
    if (error instanceof DecodeError) throw new DecodeError(error.failure, error.message, says);
    throw error;
  }
}

const goKindStruct =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

function readKind(body: string | Uint8Array): { parsed: ParsedBody; says: KindInBody } {
  const fail = (problem: string): never => {
    throw new DecodeError('syntax', `couldn't get version/kind; json parse error: ${problem}`);
  };
  let parsed: ParsedBody;
  try {
    parsed = parseBody(body);
  } catch (error) {
    if (error instanceof DecodeError && error.failure === 'syntax') return fail(error.message);
    throw error;
  }
  const { tree } = parsed;
  if (tree !== null && (typeof tree !== 'object' || Array.isArray(tree))) {
    return fail(`json: cannot unmarshal ${jsonTypeName(tree)} into Go value of type ${goKindStruct}`);
  }
  const { apiVersion, kind } = (tree ?? {}) as Record<string, unknown>;
  for (const [name, value] of [
    ['apiVersion', apiVersion],
    ['kind', kind],
  ] as const) {
    if (value !== undefined && value !== null && typeof value !== 'string') {
      fail(`json: cannot unmarshal ${jsonTypeName(value)} into Go struct field .${name} of type string`);
    }
  }
  return { parsed, says: { apiVersion: (apiVersion as string) ?? '', kind: (kind as string) ?? '' } };
}

function jsonTypeName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** What the body says it is. Throws DecodeError (`couldn't get version/kind; json parse error: …`). */
export const kindOfJson = (body: string | Uint8Array): KindInBody => readKind(body).says;

/**
 * The canonical form of an object that is one already or nearly (a patch result, something built by hand). The input is
 * not changed and shares nothing with the result. Throws DecodeError with Go's text where a value has the wrong type.
 */
export function canonical<T = any>(typeName: string, object: unknown): T {
  return toForm<T>(typeName, object, false).object;
}

/** The same, and whether its stored form is another: it holds empty lists or maps. */
export function canonicalNoting<T = any>(typeName: string, object: unknown): { object: T; hasEmpty: boolean } {
  return toForm(typeName, object, false);
}

/** The canonical form of what is to be stored: empty lists and maps are none. */
export function canonicalStored<T = any>(typeName: string, object: unknown): T {
  return toForm<T>(typeName, object, true).object;
}

function toForm<T>(typeName: string, object: unknown, isStored: boolean): { object: T; hasEmpty: boolean } {
  const custom = customTypeOf(typeName);
  if (custom) return { object: custom.canonical(copyJson(object)) as T, hasEmpty: false };
  const form = (tree: unknown, ownsTree: boolean) => {
    const context = { keys: 0, ownsTree, isStored, hasEmpty: false };
    return { object: canonicalizerOf(typeName).run(tree, context) as T, hasEmpty: context.hasEmpty };
  };
  try {
    return form(object, false);
  } catch (error) {
    if (error !== irregular && !(error instanceof Error)) throw error;
    enableBigIntJson();
    const tree = new ExactDecoder(JSON.stringify(object) ?? 'null').run(typeName);
    return form(tree, true);
  }
}

/** Like `canonical`, but also says which fields were unknown: for patch results under fieldValidation. */
export const canonicalStrict = <T = any>(typeName: string, object: unknown): Decoded<T> =>
  inOnePiece(canonicalStrictSteps<T>(typeName, object));

export function* canonicalStrictSteps<T = any>(typeName: string, object: unknown): Steps<Decoded<T>> {
  enableBigIntJson();
  const text = JSON.stringify(object) ?? 'null';
  yield;
  const scan = scanJson(text);
  yield;
  const body = parseScanned(text, scan);
  yield;
  return toCanonical(typeName, body, { strict: true });
}

/** The JSON text of an object in canonical form. */
export function stringify(_typeName: string, object: unknown): string {
  return JSON.stringify(object);
}

/** Upstream's summary of strict errors: `strict decoding error: unknown field "a", unknown field "b"`. */
export const strictMessage = (strictErrors: readonly string[]): string =>
  `strict decoding error: ${strictErrors.join(', ')}`;

/** The first bytes of a body, as upstream quotes them after a body it could not recognize. */
function summarize(body: string | Uint8Array): string {
  const bytes =
    typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (bytes.length === 0) return '<empty>';
  const head = bytes.subarray(0, 30);
  const text = bytes[0] === 0x7b ? head.toString('utf8') : head.toString('hex');
  return bytes.length > 30 ? `${text} ...` : text;
}

/** The message of the 400 that answers a body which is no object of `expectedKind`. */
export function describeUndecodable(error: DecodeError, expectedKind: string, body: string | Uint8Array): string {
  if (error.kind) {
    const version = (error.apiVersion ?? '').split('/').at(-1);
    return `${error.kind} in version ${JSON.stringify(version)} cannot be handled as a ${expectedKind}: ${error.message}`;
  }
  return `the object provided is unrecognized (must be of type ${expectedKind}): ${error.message} (${summarize(body)})`;
}

/** Compiles what decoding this type needs, ahead of the first request for it. */
export function prepare(typeName: string): void {
  typeOf(typeName);
  canonical(typeName, {});
}

export {
  decodeProtobuf,
  encodeProtobuf,
  encodeProtobufBody,
  encodeProtobufList,
  encodeWatchFrame,
  type ProtobufEnvelope,
  type ProtobufList,
  unwrapProtobuf,
  wrapProtobuf,
} from './protobuf.ts';
