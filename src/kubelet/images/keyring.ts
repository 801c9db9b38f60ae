// Credentials for registries, each with where it came from: who may use an image is told by what it was pulled with.
import { createHash } from 'node:crypto';
import type { Secret } from '../../../generated/core-v1.ts';
import type { RegistryAuth } from '../runtime/runtime.ts';
import type { ImageName } from './image-name.ts';
import { matchesImage } from './match-image.ts';

export interface ObjectCoordinates {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

export interface Credential {
  readonly auth: RegistryAuth;
  /** Hex SHA-256 of what it says. */
  readonly hash: string;
  /** Absent: every pod of the node may use it. */
  readonly source?: { readonly secret: ObjectCoordinates } | { readonly serviceAccount: ObjectCoordinates };
}

/** By registry, or registry and path: `quay.io/team`. */
export type DockerConfig = Readonly<Record<string, DockerConfigEntry>>;

export interface DockerConfigEntry {
  readonly username?: string;
  readonly password?: string;
  readonly email?: string;
  /** `base64(username:password)`; counts before the two. */
  readonly auth?: string;
}

interface Entry {
  readonly key: string;
  readonly credential: Credential;
}

/** Those whose registry (and path, when given) is the image's; the most exact first. */
export function credentialsFor(image: ImageName, config: DockerConfig, source?: Credential['source']): Credential[] {
  return lookUp(image, entriesOf(config, source));
}

/** Of pull secrets, all in one ring. */
export function secretCredentials(image: ImageName, secrets: readonly Secret[]): Credential[] {
  const entries = secrets.flatMap((secret) => {
    const { uid = '', namespace = '', name } = secret.metadata;
    return entriesOf(configOf(secret), { secret: { uid, namespace, name } });
  });
  return lookUp(image, entries);
}

/** @throws when it is no JSON object */
export function parseDockerConfig(text: string, hasAuths: boolean): DockerConfig {
  const parsed: unknown = JSON.parse(text);
  const config = hasAuths ? (parsed as { auths?: unknown } | null)?.auths : parsed;
  return typeof config === 'object' && config !== null ? (config as DockerConfig) : {};
}

function configOf({ type, data = {} }: Secret): DockerConfig {
  const isJson = type === 'kubernetes.io/dockerconfigjson';
  const encoded = isJson
    ? data['.dockerconfigjson']
    : type === 'kubernetes.io/dockercfg'
      ? data['.dockercfg']
      : undefined;
  if (!encoded) return {};
  try {
    return parseDockerConfig(Buffer.from(encoded, 'base64').toString(), isJson);
  } catch {
    return {}; // as good as no credential: the pull will say what the registry thinks
  }
}

function entriesOf(config: DockerConfig, source: Credential['source']): Entry[] {
  return Object.entries(config).flatMap(([place, entry]) => {
    const auth = typeof entry === 'object' && entry !== null ? authOf(entry) : undefined;
    if (!auth) return [];
    const { email } = entry;
    const said = JSON.stringify({ ...auth, ...(email ? { email } : {}) });
    const hash = createHash('sha256').update(said).digest('hex');
    return [{ key: keyOf(place), credential: { auth, hash, ...(source ? { source } : {}) } }];
  });
}

/** `https://index.docker.io/v1/` and the like are about the host; `/v1/team` is about `team`. */
function keyOf(place: string): string {
  const [host = '', ...path] = place.replace(/^https?:\/\//, '').split('/');
  if ((path[0] === 'v1' || path[0] === 'v2') && path.length > 1) path.shift();
  const rest = path.join('/');
  return rest ? `${host}/${rest}` : host;
}

function authOf({ username = '', password = '', auth }: DockerConfigEntry): RegistryAuth | undefined {
  if (!auth) return { username, password };
  const decoded = Buffer.from(auth, 'base64').toString();
  const colon = decoded.indexOf(':');
  return colon < 0 ? undefined : { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

function lookUp({ registry, path }: ImageName, entries: readonly Entry[]): Credential[] {
  const sorted = [...entries].sort((a, b) => (a.key < b.key ? 1 : a.key > b.key ? -1 : 0));
  const found = sorted.filter(({ key }) => matchesImage(key, `${registry}/${path}`));
  // Docker Hub's credentials are filed under its former name.
  const hub = registry === 'docker.io' ? sorted.filter(({ key }) => key === 'index.docker.io') : [];
  return (found.length > 0 ? found : hub).map(({ credential }) => credential);
}
