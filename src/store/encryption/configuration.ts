// EncryptionConfiguration of `apiserver.config.k8s.io/v1`, in upstream's shape: which resources are encrypted, and by which
// providers. The first provider writes; all of them read.
import { parseYaml, stringifyYaml } from '../../base/yaml.ts';

export interface EncryptionKey {
  readonly name: string;
  readonly secret: Buffer;
}

export const providerTypes = ['aesgcm', 'aescbc', 'secretbox', 'identity'] as const;
export type ProviderType = (typeof providerTypes)[number];

export interface Provider {
  readonly type: ProviderType;
  /** The first one writes. Empty for `identity`. */
  readonly keys: readonly EncryptionKey[];
}

export interface EncryptionRule {
  /** `secrets`, `deployments.apps`, `*.apps`, `*.` for the core group, `*.*` for everything. */
  readonly resources: readonly string[];
  readonly providers: readonly Provider[];
}

export interface EncryptionConfiguration {
  readonly rules: readonly EncryptionRule[];
}

/** The file is no configuration; says where it is wrong and never what a key is. */
export class EncryptionConfigurationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EncryptionConfigurationError';
  }
}

const apiVersions = ['apiserver.config.k8s.io/v1', 'v1'];
const keyBytes: Readonly<Record<ProviderType, readonly number[]>> = {
  aesgcm: [16, 24, 32],
  aescbc: [16, 24, 32],
  secretbox: [32],
  identity: [],
};
const kinds = ['EncryptionConfiguration', 'EncryptionConfig'];

const fail = (path: string, problem: string): never => {
  throw new EncryptionConfigurationError(`${path}: ${problem}`);
};

/** @throws EncryptionConfigurationError */
export function parseEncryptionConfiguration(text: string): EncryptionConfiguration {
  const root = parse(text);
  if (!apiVersions.includes(String(root['apiVersion']))) fail('apiVersion', `must be ${apiVersions[0]}`);
  if (!kinds.includes(String(root['kind']))) fail('kind', `must be ${kinds[0]}`);
  const rules = listOf(root['resources'], 'resources').map((each, index) => parseRule(each, `resources[${index}]`));
  return { rules };
}

function parse(text: string): Record<string, unknown> {
  let root: unknown;
  try {
    root = parseYaml(text);
  } catch (error) {
    throw new EncryptionConfigurationError(error instanceof Error ? error.message : 'it is no YAML');
  }
  return objectOf(root, 'the file');
}

function parseRule(value: unknown, path: string): EncryptionRule {
  const rule = objectOf(value, path);
  const resources = listOf(rule['resources'], `${path}.resources`).map((name, index) => {
    const at = `${path}.resources[${index}]`;
    if (typeof name !== 'string' || !/^(?:[a-z0-9-]+(?:\.[a-z0-9.-]+)?|\*\.(?:\*|[a-z0-9.-]*))$/.test(name)) {
      return fail(at, 'name a resource, like secrets, deployments.apps, *.apps or *.*');
    }
    return name;
  });
  const providers = listOf(rule['providers'], `${path}.providers`).map((each, index) =>
    parseProvider(each, `${path}.providers[${index}]`),
  );
  return { resources, providers };
}

function parseProvider(value: unknown, path: string): Provider {
  const entries = Object.entries(objectOf(value, path));
  if (entries.length !== 1) fail(path, 'must specify exactly one of aesgcm, aescbc, secretbox, identity');
  const [name, settings] = entries[0]!;
  if (name === 'kms') fail(`${path}.kms`, 'key services are not supported');
  const type = providerTypes.find((each) => each === name);
  if (!type) return fail(path, `unknown provider "${name}"`);
  if (type === 'identity') return { type, keys: [] };
  const keysPath = `${path}.${type}.keys`;
  const listed = listOf(objectOf(settings, `${path}.${type}`)['keys'], keysPath);
  const keys = listed.map((each, index) => parseKey(each, type, `${keysPath}[${index}]`));
  const seen = new Set<string>();
  for (const key of keys) {
    if (seen.has(key.name)) fail(keysPath, `two keys have the name "${key.name}"`);
    seen.add(key.name);
  }
  return { type, keys };
}

function parseKey(value: unknown, type: ProviderType, path: string): EncryptionKey {
  const { name, secret } = objectOf(value, path);
  if (typeof name !== 'string' || !/^[^:\s]{1,128}$/.test(name))
    fail(`${path}.name`, 'a name without colons is needed');
  if (typeof secret !== 'string' || secret === '') return fail(`${path}.secret`, 'must not be empty');
  const bytes = Buffer.from(secret, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== secret.trim().replace(/=+$/, '')) {
    fail(`${path}.secret`, 'must be base64');
  }
  if (!keyBytes[type].includes(bytes.length)) {
    fail(`${path}.secret`, `must be ${keyBytes[type].join(', ')} bytes in base64, this is ${bytes.length}`);
  }
  return { name: name as string, secret: bytes };
}

function objectOf(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return fail(path, 'must be an object');
}

function listOf(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  return fail(path, 'must be a list that is not empty');
}

export function printEncryptionConfiguration({ rules }: EncryptionConfiguration): string {
  const printKey = ({ name, secret }: EncryptionKey) => ({ name, secret: secret.toString('base64') });
  const resources = rules.map((rule) => ({
    resources: rule.resources,
    providers: rule.providers.map(({ type, keys }) => ({
      [type]: type === 'identity' ? {} : { keys: keys.map(printKey) },
    })),
  }));
  return stringifyYaml({ apiVersion: apiVersions[0]!, kind: kinds[0]!, resources });
}

/** The rule for a resource: the first that names it. The core group is ''. */
export function ruleFor(
  { rules }: EncryptionConfiguration,
  group: string,
  resource: string,
): EncryptionRule | undefined {
  const exact = group ? `${resource}.${group}` : resource;
  const names = new Set([exact, `*.${group}`, '*.*']);
  return rules.find(({ resources }) => resources.some((name) => names.has(name)));
}
