// A file of configuration with a kind and a version: what all of them begin with.
import { ConfigurationError } from './strict-fields.ts';
import { parseYaml, YamlError } from './yaml.ts';

export interface ConfigurationKind {
  readonly apiVersions: readonly string[];
  readonly kind: string;
  /** Where upstream says that its kinds are listed, when it says so. */
  readonly scheme?: string;
}

/** The object in the file, of the kind that is meant. @throws ConfigurationError, in upstream's words */
export function readConfigurationFile(text: string, { apiVersions, kind, scheme }: ConfigurationKind) {
  let read: unknown;
  try {
    read = parseYaml(text);
  } catch (error) {
    if (error instanceof YamlError) throw new ConfigurationError(`yaml: ${error.message}`);
    throw error;
  }
  if (read === null || read === undefined) throw new ConfigurationError("Object 'Kind' is missing in 'null'");
  if (typeof read !== 'object' || Array.isArray(read))
    throw new ConfigurationError("couldn't get version/kind; json parse error: json: cannot unmarshal into an object");
  const json = read as Record<string, any>;
  if (!json['kind']) throw new ConfigurationError(`Object 'Kind' is missing in '${JSON.stringify(json)}'`);
  if (json['kind'] !== kind || !apiVersions.includes(String(json['apiVersion']))) {
    const what = `no kind ${JSON.stringify(json['kind'])} is registered for version ${JSON.stringify(json['apiVersion'] ?? '')}`;
    throw new ConfigurationError(scheme ? `${what} in scheme ${JSON.stringify(scheme)}` : what);
  }
  return json;
}
