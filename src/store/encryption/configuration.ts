// EncryptionConfiguration of `apiserver.config.k8s.io/v1`, in upstream's shape: which resources are encrypted, and by which
// providers. The first provider writes; all of them read.
import { parseYaml, stringifyYaml } from '../../base/yaml.ts';

export interface EncryptionKey {
  readonly name: string;
  readonly secret: Buffer;
}

export const providerTypes = ['aesgcm', 'aescbc', 'secretbox', 'identity', 'kms'] as const;
export type ProviderType = (typeof providerTypes)[number];

export interface Provider {
  readonly type: ProviderType;
  /** The first one writes. Empty for `identity` and `kms`. */
  readonly keys: readonly EncryptionKey[];
  /** Of `kms`: who has the keys. */
  readonly service?: KeyServiceSettings;
}

/** A key service of v2 of the protocol. */
export interface KeyServiceSettings {
  /** Not two with one name in a configuration: it is stored with every value. */
  readonly name: string;
  /** `unix:///path/of/socket`, or `unix:///@name` in the abstract namespace. */
  readonly endpoint: string;
  /** As it was written; default 3 s. */
  readonly timeout?: string;
  readonly timeoutMs: number;
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
  kms: [],
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
  refuseRepeatedServices(rules);
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
  if (entries.length !== 1) fail(path, `must specify exactly one of ${providerTypes.join(', ')}`);
  const [name, settings] = entries[0]!;
  const type = providerTypes.find((each) => each === name);
  if (!type) return fail(path, `unknown provider "${name}"`);
  if (type === 'identity') return { type, keys: [] };
  if (type === 'kms') return { type, keys: [], service: parseService(settings, `${path}.kms`) };
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

const defaultTimeoutMs = 3000;

function parseService(value: unknown, path: string): KeyServiceSettings {
  const { apiVersion = 'v1', name, endpoint, timeout, cachesize } = objectOf(value, path);
  if (apiVersion === 'v1') fail(`${path}.apiVersion`, 'v1 is deprecated and off by default; say v2');
  if (apiVersion !== 'v2') {
    fail(`${path}.apiVersion`, `unsupported apiVersion ${apiVersion} for KMS provider, only v1 and v2 are supported`);
  }
  if (typeof name !== 'string' || name === '') return fail(`${path}.name`, 'name is a mandatory field for a provider');
  if (!/^[^:\s]{1,128}$/.test(name)) {
    fail(`${path}.name`, `invalid KMS provider name ${name}, must not contain ':'`);
  }
  if (cachesize !== undefined) fail(`${path}.cachesize`, 'cachesize is not supported in v2');
  if (typeof endpoint !== 'string' || endpoint === '') {
    return fail(`${path}.endpoint`, 'endpoint is a mandatory field for a kms');
  }
  const [, scheme = ''] = /^([a-z][a-z0-9+.-]*):\/\//.exec(endpoint) ?? [];
  if (scheme !== 'unix') {
    fail(`${path}.endpoint`, `unsupported scheme "${scheme}" for KMS provider, only unix is supported`);
  }
  if (timeout === undefined) return { name, endpoint, timeoutMs: defaultTimeoutMs };
  const timeoutMs = typeof timeout === 'string' ? parseDuration(timeout) : undefined;
  if (timeoutMs === undefined || timeoutMs <= 0) return fail(`${path}.timeout`, 'timeout should be a positive value');
  return { name, endpoint, timeout: timeout as string, timeoutMs };
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function parseDuration(text: string): number | undefined {
  if (!/^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/([\d.]+)(ms|s|m|h)/g)) total += Number(count) * unitMs[unit!]!;
  return total;
}

/** Where a key service listens. */
export const socketOf = ({ endpoint }: KeyServiceSettings): string => {
  const path = endpoint.slice('unix://'.length);
  return path.startsWith('/@') ? path.slice(1) : path;
};

function refuseRepeatedServices(rules: readonly EncryptionRule[]): void {
  const seen = new Set<string>();
  for (const { service } of rules.flatMap(({ providers }) => providers)) {
    if (!service) continue;
    if (seen.has(service.name)) fail('resources', `duplicate KMS provider name ${service.name}, names must be unique`);
    seen.add(service.name);
  }
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
  const printService = ({ name, endpoint, timeout }: KeyServiceSettings) => ({
    apiVersion: 'v2',
    name,
    endpoint,
    ...(timeout ? { timeout } : {}),
  });
  const printKey = ({ name, secret }: EncryptionKey) => ({ name, secret: secret.toString('base64') });
  const resources = rules.map((rule) => ({
    resources: rule.resources,
    providers: rule.providers.map(({ type, keys, service }) => ({
      [type]: service ? printService(service) : type === 'identity' ? {} : { keys: keys.map(printKey) },
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
