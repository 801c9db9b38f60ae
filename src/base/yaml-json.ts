// YAML as JSON text: what a server goes on with.
import { enableBigIntJson } from './big-integers.ts';
import { parseYaml, YamlError } from './yaml.ts';

export interface YamlAsJson {
  readonly json: string;
  /** What is wrong with it when a key was given twice; the last one counts. */
  readonly duplicate?: string;
}

/** The first document. Throws YamlError. */
export function yamlToJson(text: string): YamlAsJson {
  enableBigIntJson();
  const toJson = (value: unknown) => JSON.stringify(value) ?? 'null';
  try {
    return { json: toJson(parseYaml(text)) };
  } catch (error) {
    if (!(error instanceof YamlError) || !error.isDuplicate) throw error;
    return { json: toJson(parseYaml(text, { lastKeyWins: true })), duplicate: error.message };
  }
}
