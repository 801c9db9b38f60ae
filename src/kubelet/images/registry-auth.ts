// Credentials for a registry out of image pull secrets.
import type { Secret } from '../../../generated/core-v1.ts';
import type { RegistryAuth } from '../runtime/runtime.ts';
import { parseImageName } from './image-name.ts';

interface DockerConfigEntry {
  username?: string;
  password?: string;
  auth?: string;
  identitytoken?: string;
}

/** Those whose registry (and path, when given) is the image's; the most exact first. */
export function registryAuths(image: string, secrets: readonly Secret[]): RegistryAuth[] {
  const name = parseImageName(image);
  if (!name) return [];
  const target = `${name.registry}/${name.path}`;
  const found: { length: number; auth: RegistryAuth }[] = [];
  for (const secret of secrets) {
    for (const [url, entry] of Object.entries(entriesOf(secret))) {
      const prefix = url
        .replace(/^https?:\/\//, '')
        .replace(/\/(v1|v2)?\/?$/, '')
        .replace(/^index\.docker\.io/, 'docker.io');
      if (target !== prefix && !target.startsWith(`${prefix}/`)) continue;
      found.push({ length: prefix.length, auth: authOf(entry, name.registry) });
    }
  }
  return found.sort((a, b) => b.length - a.length).map(({ auth }) => auth);
}

function entriesOf(secret: Secret): Record<string, DockerConfigEntry> {
  const json = secret.data?.['.dockerconfigjson'];
  const old = secret.data?.['.dockercfg'];
  try {
    if (json) return JSON.parse(Buffer.from(json, 'base64').toString()).auths ?? {};
    if (old) return JSON.parse(Buffer.from(old, 'base64').toString());
  } catch {
    // Not JSON: as good as no credential; the pull will say what the registry thinks.
  }
  return {};
}

function authOf(entry: DockerConfigEntry, serverAddress: string): RegistryAuth {
  const decoded = entry.auth ? Buffer.from(entry.auth, 'base64').toString() : '';
  const colon = decoded.indexOf(':');
  return {
    username: entry.username ?? decoded.slice(0, Math.max(0, colon)),
    password: entry.password ?? decoded.slice(colon + 1),
    ...(entry.identitytoken ? { identityToken: entry.identitytoken } : {}),
    serverAddress,
  };
}
