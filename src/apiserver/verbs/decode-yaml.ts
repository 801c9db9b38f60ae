// YAML bodies become JSON text, with the scalars of YAML 1.1 that kubectl and its friends expect.
import { badRequest } from '../../api/meta/status-error.ts';
import { parseYaml, YamlError } from '../../base/yaml.ts';

export function yamlToJson(body: Uint8Array, kind: string): string {
  try {
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
    return JSON.stringify(parseYaml(text)) ?? 'null';
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw badRequest(`the object provided is unrecognized (must be of type ${kind}): ${error.message}`);
  }
}
