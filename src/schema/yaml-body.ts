// The bodies of server-side apply: YAML, which JSON is too. Apart from codec.ts, because the YAML reader takes time to
// load and few bodies need it: import this file with `await import` where requests are served.
import { YamlError } from '../base/yaml.ts';
import { yamlToJson } from '../base/yaml-json.ts';
import { bodyText } from './codec.ts';
import { parseKeepingIntegers } from './exact-decode.ts';
import { scanJson } from './json-scan.ts';
import { isObject, type JsonObject, PatchError } from './patch-error.ts';
import { countKeys } from './structural/duplicate-keys.ts';

/** An apply body as JSON text. Duplicate keys are refused. Throws PatchError, DecodeError. */
export function applyBodyAsJson(body: string | Uint8Array): string {
  const text = bodyText(body);
  return plainJson(text) ? text : fromYaml(text);
}

/** What is applied. Throws PatchError, DecodeError. */
export function decodeApplyPatch(body: string | Uint8Array): JsonObject {
  const text = bodyText(body);
  return plainJson(text) ?? appliedObject(fromYaml(text));
}

/** `json` has been read before. Throws PatchError for what is no object. */
export function appliedObject(json: string): JsonObject {
  const value = parseKeepingIntegers(json);
  if (value === null) return {};
  if (isObject(value)) return value;
  throw new PatchError(
    400,
    `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${goTypeName(value)} into Go value of type map[string]interface {}`,
  );
}

/** What clients mostly send is JSON, which is read many times faster; undefined when YAML would read it differently. */
function plainJson(text: string): JsonObject | undefined {
  if (!text.startsWith('{')) return undefined;
  const { keys, hasOddNumbers, hasSurrogateEscapes } = scanJson(text);
  if (hasOddNumbers || hasSurrogateEscapes) return undefined;
  try {
    const value = JSON.parse(text) as JsonObject;
    return countKeys(value) === keys ? value : undefined;
  } catch {
    return undefined;
  }
}

function fromYaml(text: string): string {
  try {
    const { json, duplicate } = yamlToJson(text);
    if (duplicate !== undefined) throw new YamlError(duplicate);
    // The same bounds as for JSON, counted on what the YAML stands for.
    scanJson(json);
    return json;
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new PatchError(400, `error decoding YAML: error converting YAML to JSON: ${error.message}`);
  }
}

function goTypeName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value === 'bigint' ? 'number' : typeof value;
}
