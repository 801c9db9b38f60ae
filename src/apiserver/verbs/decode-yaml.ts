// YAML bodies become JSON text, with the scalars of YAML 1.1 that kubectl and its friends expect.
import { badRequest } from '../../api/meta/status-error.ts';
import { parseYaml, YamlError } from '../../base/yaml.ts';

export interface YamlAsJson {
  readonly json: string;
  /** For fieldValidation: a key given twice. */
  readonly strictErrors: string[];
}

export function yamlToJson(body: Uint8Array, kind: string): YamlAsJson {
  try {
    return readYaml(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw badRequest(`the object provided is unrecognized (must be of type ${kind}): ${error.message}`);
  }
}

function readYaml(text: string): YamlAsJson {
  const toJson = (value: unknown) => JSON.stringify(value) ?? 'null';
  try {
    return { json: toJson(parseYaml(text)), strictErrors: [] };
  } catch (error) {
    if (!(error instanceof YamlError) || !error.isDuplicate) throw error;
    return { json: toJson(parseYaml(text, { lastKeyWins: true })), strictErrors: [error.message] };
  }
}
