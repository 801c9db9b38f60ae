// ConversionReview, there and back. Objects go out as their bytes are, and what comes back is held against them.

import { FieldErrors, path } from '../../../api/meta/field-errors.ts';
import { validateLabels } from '../../../api/meta/labels.ts';
import type { KubernetesObject } from '../../../api/meta/object.ts';
import { validateAnnotations } from '../../../api/meta/object-meta-validation.ts';
import type { ConvertibleObject } from '../../../api/resource-info.ts';
import { describeSyntaxError } from '../../../schema/json-syntax.ts';

export type ReviewVersion = 'v1' | 'v1beta1';

export const reviewVersionOf = (versions: readonly string[]): ReviewVersion | undefined =>
  versions.find((version): version is ReviewVersion => version === 'v1' || version === 'v1beta1');

export function reviewBody(
  version: ReviewVersion,
  uid: string,
  desiredAPIVersion: string,
  objects: readonly ConvertibleObject[],
): Buffer {
  const head = `{"kind":"ConversionReview","apiVersion":"apiextensions.k8s.io/${version}","request":{"uid":"${uid}","desiredAPIVersion":${JSON.stringify(desiredAPIVersion)},"objects":[`;
  const pieces: Uint8Array[] = [Buffer.from(head)];
  for (const [index, { json }] of objects.entries()) {
    if (index > 0) pieces.push(comma);
    pieces.push(json);
  }
  pieces.push(end);
  return Buffer.concat(pieces);
}

const comma = Buffer.from(',');
/** Upstream sends an empty answer along. */
const end = Buffer.from(']},"response":{"uid":"","convertedObjects":null,"result":{"metadata":{}}}}');

/** The answer cannot be used; the message is upstream's. */
export class ConversionError extends Error {}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textIn = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Brackets deeper than this are refused before anything looks at them. */
const maxDepth = 512;

/** `convertedObjects` of the answer. @throws ConversionError */
export function readReview(body: Buffer, version: ReviewVersion, uid: string): readonly unknown[] {
  const review = parse(body);
  if (!isObject(review))
    throw new ConversionError("couldn't get version/kind; json parse error: the response is no object");
  const { response } = review;
  checkKind(textIn(review['apiVersion']), textIn(review['kind']), version);
  const says = `${textIn(review['apiVersion']) || '/'}, Kind=${textIn(review['kind'])}`;
  const expected = 'apiextensions.k8s.io/v1, Kind=ConversionReview';
  if (version === 'v1' && says !== expected)
    throw new ConversionError(`expected webhook response of ${expected}, got ${says}`);
  if (!isObject(response)) throw new ConversionError('no response provided');
  if (version === 'v1' && response['uid'] !== uid)
    throw new ConversionError(
      `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(textIn(response['uid']))}`,
    );
  const result = isObject(response['result']) ? response['result'] : {};
  if (result['status'] !== 'Success') {
    const message = textIn(result['message']);
    throw new ConversionError(message || `response.result.status was '${textIn(result['status'])}', not 'Success'`);
  }
  return Array.isArray(response['convertedObjects']) ? response['convertedObjects'] : [];
}

/** A body may leave out what it is, in the version that allows it. */
function checkKind(apiVersion: string, kind: string, version: ReviewVersion): void {
  const isReview = kind === '' || kind === 'ConversionReview';
  const isOurs = apiVersion === '' || /^apiextensions\.k8s\.io\/v1(?:beta1)?$/.test(apiVersion);
  if (!isReview || !isOurs)
    throw new ConversionError(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    );
  const said = apiVersion.split('/')[1] ?? version;
  if (said !== version)
    throw new ConversionError(
      `converting (${said}.ConversionReview) to (${version}.ConversionReview): unknown conversion`,
    );
}

function parse(body: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new ConversionError('invalid UTF-8 in the response');
  }
  checkDepth(text);
  try {
    return JSON.parse(text);
  } catch {
    throw new ConversionError(`couldn't get version/kind; json parse error: ${describeSyntaxError(text)}`);
  }
}

function checkDepth(text: string): void {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === 0x5c) at++;
      else if (code === 0x22) isInString = false;
    } else if (code === 0x22) isInString = true;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > maxDepth)
        throw new ConversionError(`the response is nested too deeply: at most ${maxDepth} levels`);
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
}

export interface Checked {
  readonly original: ConvertibleObject;
  readonly kind: string;
  readonly apiVersion: string;
}

/**
 * What was converted, with the metadata it had before: of that, a webhook may only change labels and annotations.
 * @throws ConversionError, whose message begins as upstream's for one object or for one of several
 */
export function restored(
  value: unknown,
  { original, kind, apiVersion }: Checked,
  index: number | undefined,
): KubernetesObject {
  const at = index === undefined ? '' : ` at index ${index}`;
  const invalid = `returned invalid ${index === undefined ? 'object' : 'converted object'}${at}: `;
  if (!isObject(value)) throw new ConversionError(`${invalid}the object is none`);
  const got = textIn(value['apiVersion']);
  const versionAt = index === undefined ? 'returned invalid object at index 0: ' : invalid;
  if (got !== apiVersion)
    throw new ConversionError(`${versionAt}invalid groupVersion (expected ${apiVersion}, received ${got})`);
  const gotKind = textIn(value['kind']);
  if (gotKind !== kind) throw new ConversionError(`${versionAt}invalid kind (expected ${kind}, received ${gotKind})`);
  const before = original.metadata();
  const after = isObject(value['metadata']) ? value['metadata'] : {};
  for (const [name, field] of [
    ['name', 'name'],
    ['namespace', 'namespace'],
    ['UID', 'uid'],
  ] as const) {
    const [was, is] = [before[field] ?? '', textIn(after[field])];
    if (was !== is) throw new ConversionError(`${invalid}must have the same ${name}: ${was} != ${is}`);
  }
  try {
    const metadata = restoredMetadata(before, value['metadata']);
    return { ...value, metadata } as unknown as KubernetesObject;
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error;
    throw new ConversionError(
      `returned invalid metadata${index === undefined ? '' : ` in object${at}`}: ${error.message}`,
    );
  }
}

function restoredMetadata(before: KubernetesObject['metadata'], after: unknown): KubernetesObject['metadata'] {
  if (after === undefined) throw new ConversionError('missing metadata in converted object');
  if (!isObject(after)) throw new ConversionError(`invalid metadata of type ${goType(after)} in converted object`);
  for (const field of ['labels', 'annotations'] as const) {
    const value = after[field];
    if (value === undefined || value === null) {
      delete before[field];
      continue;
    }
    if (!isObject(value))
      throw new ConversionError(`invalid metadata.${field} of type ${goType(value)} in converted object`);
    for (const [key, text] of Object.entries(value)) {
      if (typeof text !== 'string')
        throw new ConversionError(
          `metadata.${field}[${key}] must be a string, but is ${goType(text)} in converted object`,
        );
    }
    checkStrings(field, value as Record<string, string>);
    before[field] = value as Record<string, string>;
  }
  return before;
}

function checkStrings(field: 'labels' | 'annotations', values: Record<string, string>): void {
  const errors = new FieldErrors();
  if (field === 'labels') validateLabels(values, path('metadata', 'labels'), errors);
  else validateAnnotations(values, path('metadata', 'annotation'), errors);
  if (!errors.isEmpty) throw new ConversionError(errors.summary());
}

function goType(value: unknown): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  if (Number.isInteger(value)) return 'int64';
  return { string: 'string', boolean: 'bool', number: 'float64', object: 'map[string]interface {}' }[
    typeof value as 'string'
  ]!;
}
