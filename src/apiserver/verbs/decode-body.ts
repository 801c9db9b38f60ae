// Request bodies become objects: by Content-Type, checked to be of the expected kind, as strict as the client asks.
import { apiVersionOf, type KubernetesObject } from '../../api/meta/object.ts';
import { badRequest, type StatusError, tooManyRequests, unsupportedMediaType } from '../../api/meta/status-error.ts';
import { ownTurn, room } from '../../base/turns.ts';
import { decodeLarge, isLargeJson, TasksBusyError } from '../../schema/body-thread.ts';
import {
  type Decoded,
  DecodeError,
  decodeJsonBody,
  describeUndecodable,
  type KindInBody,
  strictMessage,
} from '../../schema/codec.ts';
import { parseKeepingIntegers } from '../../schema/exact-decode.ts';
import { header, type ServerRequest } from '../http/exchange.ts';
import { mediaTypeOf } from '../http/media-type.ts';
import { type DecodeSettings, identify } from './decode-settings.ts';
import { goPackage } from './go-names.ts';

export const maxBodyBytes = 3 * 1024 * 1024;

const unknownFormat = () =>
  unsupportedMediaType(
    'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
  );

const unknownCustomFormat = () =>
  unsupportedMediaType(
    'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml',
  );

/** Which body formats are read here. */
export function bodyFormat(request: ServerRequest): 'json' | 'yaml' | 'protobuf' {
  switch (mediaTypeOf(header(request, 'content-type'))) {
    case '':
    case 'application/json':
      return 'json';
    case 'application/yaml':
      return 'yaml';
    case 'application/vnd.kubernetes.protobuf':
      return 'protobuf';
    default:
      throw unknownFormat();
  }
}

/** The object and whether the body named its kind (absent: the expected one is meant). */
export async function decodeBody(request: ServerRequest, settings: DecodeSettings): Promise<KubernetesObject> {
  const format = bodyFormat(request);
  const body = await request.body(maxBodyBytes);
  if (format === 'json') settings.given?.(body);
  const waiting = room();
  if (waiting) await waiting;
  return decodeBytes(body, format, settings);
}

export async function decodeBytes(
  body: Uint8Array,
  format: 'json' | 'yaml' | 'protobuf',
  settings: DecodeSettings,
): Promise<KubernetesObject> {
  if (format === 'protobuf') {
    if (settings.expected.custom) throw unknownCustomFormat();
    const { decodeProtobufBody } = await import('./decode-protobuf.ts');
    return decodeProtobufBody(body, settings, (says) => resolveType(says, settings));
  }
  if (format === 'yaml') {
    const { yamlToJson } = await import('./decode-yaml.ts');
    const { json, strictErrors } = await yamlToJson(body, settings.expected.kind);
    return decodeJsonText(json, settings, strictErrors);
  }
  return isLargeJson(body) ? decodeLargeJson(body, settings) : decodeJsonText(body, settings);
}

/** Most of the work is done in another thread; what is left is to parse a text that is good. */
async function decodeLargeJson(body: Uint8Array, settings: DecodeSettings): Promise<KubernetesObject> {
  const { expected, fieldValidation } = settings;
  try {
    const decoded = await decodeLarge(body, typesByKind(settings), fieldValidation !== 'Ignore');
    if (decoded.json === undefined) {
      if (!expected.custom) resolveType(decoded, settings);
      return decodeJsonText(body, settings);
    }
    const object = decoded.hasBigIntegers ? parseKeepingIntegers(decoded.json) : JSON.parse(decoded.json);
    await ownTurn();
    return finish({ ...decoded, object }, settings, []);
  } catch (error) {
    if (error instanceof TasksBusyError) throw tooManyRequests(error.message, 1);
    if (error instanceof DecodeError) throw undecodable(error, settings, body);
    throw error;
  }
}

/** A body that does not say what it is, is what was expected, once it can be read at all. */
function undecodable(error: DecodeError, { expected }: DecodeSettings, body: Uint8Array | string): StatusError {
  const { failure, message, kind, apiVersion } = error;
  const isReadable = kind !== undefined && !expected.custom;
  const says = { kind: kind || expected.kind, apiVersion: apiVersion || expected.version };
  const described = isReadable ? new DecodeError(failure, message, says) : error;
  return badRequest(describeUndecodable(described, expected.kind, body));
}

/** What a body may say it is, and the type it then has. Types of custom resources are known to this thread only. */
function typesByKind({ expected, alternatives = new Map() }: DecodeSettings): ReadonlyMap<string, string> {
  if (expected.custom) return new Map();
  const types = new Map<string, string>(alternatives);
  for (const apiVersion of ['', apiVersionOf(expected)]) {
    for (const kind of ['', expected.kind]) types.set(`${apiVersion}/${kind}`, expected.typeName);
  }
  return types;
}

function decodeJsonText(
  body: Uint8Array | string,
  settings: DecodeSettings,
  earlierErrors: readonly string[] = [],
): KubernetesObject {
  const { expected, fieldValidation } = settings;
  try {
    const resolve = (says: KindInBody) => {
      if (expected.custom) requireKind(says, settings, body);
      return resolveType(says, settings);
    };
    const decoded = decodeJsonBody<KubernetesObject>(body, resolve, {
      strict: fieldValidation !== 'Ignore',
    });
    return finish(decoded, settings, earlierErrors);
  } catch (error) {
    if (error instanceof DecodeError) throw undecodable(error, settings, body);
    throw error;
  }
}

function finish(
  decoded: Decoded<KubernetesObject> & KindInBody,
  settings: DecodeSettings,
  earlierErrors: readonly string[],
): KubernetesObject {
  const { expected, fieldValidation } = settings;
  const strictErrors = fieldValidation === 'Ignore' ? [] : [...earlierErrors, ...decoded.strictErrors];
  if (strictErrors.length > 0) {
    if (fieldValidation === 'Strict') {
      const says = `${decoded.kind || expected.kind} in version ${JSON.stringify(versionOf(decoded.apiVersion) || expected.version)}`;
      throw badRequest(`${says} cannot be handled as a ${expected.kind}: ${strictMessage(strictErrors)}`);
    }
    for (const problem of strictErrors) settings.warn(problem);
  }
  return identify(decoded.object, decoded, settings);
}

/** Nothing but the body itself says what kind of object a free-form object is. */
function requireKind(says: KindInBody, { expected }: DecodeSettings, body: Uint8Array | string): void {
  if (!says.kind) throw new DecodeError('type', `Object 'Kind' is missing in '${Buffer.from(body as Uint8Array)}'`);
  if (says.apiVersion === apiVersionOf(expected)) return;
  throw badRequest(
    `the API version in the data (${says.apiVersion}) does not match the expected API version (${apiVersionOf(expected)})`,
  );
}

const versionOf = (apiVersion: string) => apiVersion.split('/').at(-1) ?? '';

/** The schema type of what a body says it is. @throws StatusError 400 for other kinds than the expected one */
function resolveType(says: KindInBody, { expected, alternatives, table }: DecodeSettings): string {
  const apiVersion = says.apiVersion || apiVersionOf(expected);
  const kind = says.kind || expected.kind;
  if (kind === expected.kind && apiVersion === apiVersionOf(expected)) return expected.typeName;
  const alternative = alternatives?.get(`${apiVersion}/${kind}`);
  if (alternative) return alternative;
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  const start = `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${expected.kind}: `;
  if (!table.findKind(group, version, kind)) {
    throw badRequest(
      `${start}no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`,
    );
  }
  throw badRequest(
    `${start}converting (${version}.${kind}) to (${goPackage(expected.group)}.${expected.kind}): unknown conversion`,
  );
}
