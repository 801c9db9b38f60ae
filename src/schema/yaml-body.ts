// YAML bodies become JSON first. Apart from codec.ts, because the YAML reader takes time to load and few bodies need it:
// import this file with `await import` where requests are served.
import { enableBigIntJson } from '../base/big-integers.ts';
import { parseYaml, stringifyYaml, YamlError } from '../base/yaml.ts';
import { bodyText, type Decoded, type DecodeOptions, decodeJsonBody, type KindInBody } from './codec.ts';
import { scanJson } from './json-scan.ts';
import { DecodeError } from './limits.ts';
import { isObject, type JsonObject, PatchError } from './patch-error.ts';

/** The JSON text of a YAML body. Throws DecodeError. */
export function yamlToJson(body: string | Uint8Array): string {
  const text = bodyText(body);
  try {
    enableBigIntJson();
    return JSON.stringify(parseYaml(text)) ?? 'null';
  } catch (error) {
    if (error instanceof YamlError) throw new DecodeError('syntax', `error converting YAML to JSON: ${error.message}`);
    throw error;
  }
}

/** Like decodeJsonBody, for `application/yaml`. */
export function decodeYamlBody<T = any>(
  body: string | Uint8Array,
  resolve: (says: KindInBody) => string,
  options: DecodeOptions,
): Decoded<T> & KindInBody {
  return decodeJsonBody(yamlToJson(body), resolve, options);
}

/** An object as a YAML body. */
export const encodeYamlBody = (object: unknown): string => stringifyYaml(object);

function goTypeName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value === 'bigint' ? 'number' : typeof value;
}

/** The body of a server-side apply: YAML, which JSON is too. Duplicate keys are refused. Throws PatchError. */
export function decodeApplyPatch(body: string | Uint8Array): JsonObject {
  const text = bodyText(body);
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new PatchError(400, `error decoding YAML: error converting YAML to JSON: ${error.message}`);
  }
  if (value === null) return {};
  if (isObject(value)) {
    // The same bounds as for JSON, counted on what the YAML stands for.
    scanJson(JSON.stringify(value));
    return value;
  }
  throw new PatchError(
    400,
    `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${goTypeName(value)} into Go value of type map[string]interface {}`,
  );
}
