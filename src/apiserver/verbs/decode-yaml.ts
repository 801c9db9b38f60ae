// YAML bodies become JSON text, with the scalars of YAML 1.1 that kubectl and its friends expect.
import { badRequest, tooManyRequests } from '../../api/meta/status-error.ts';
import { YamlError } from '../../base/yaml.ts';
import { readYaml, TasksBusyError } from '../../schema/body-thread.ts';

export interface YamlBody {
  readonly json: string;
  /** For fieldValidation: a key given twice. */
  readonly strictErrors: string[];
}

export async function yamlToJson(body: Uint8Array, kind: string): Promise<YamlBody> {
  try {
    const { json, duplicate } = await readYaml(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
    return { json, strictErrors: duplicate === undefined ? [] : [duplicate] };
  } catch (error) {
    if (error instanceof TasksBusyError) throw tooManyRequests(error.message, 1);
    if (!(error instanceof YamlError)) throw error;
    throw badRequest(`the object provided is unrecognized (must be of type ${kind}): ${error.message}`);
  }
}
