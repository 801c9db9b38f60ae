// Certificates of the node agent's process: who it is to the API server, and how it shows itself on its own port. The
// server issues them, so that the process never sees the authority's key.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identity, KeyPair, Pki } from './pki.ts';
import type { Settings } from './settings.ts';

type Name = 'node-client' | 'node-serving' | 'node-proxy';

export function nodeIdentities({ nodeName, address }: Settings): Record<Name, Identity> {
  return {
    'node-client': { file: 'node-client', commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] },
    'node-serving': {
      file: 'node-serving',
      commonName: `system:node:${nodeName}`,
      hosts: [...new Set([nodeName, address, '127.0.0.1'])],
    },
    'node-proxy': { file: 'node-proxy', commonName: 'system:kube-proxy' },
  };
}

export async function issueNodeIdentities(pki: Pki, settings: Settings): Promise<void> {
  await Promise.all(Object.values(nodeIdentities(settings)).map((identity) => pki.ensure(identity)));
}

export async function readIdentity(pkiFolder: string, name: Name): Promise<KeyPair> {
  const read = (suffix: string) => readFile(join(pkiFolder, `${name}.${suffix}`), 'utf8');
  const [certificate, key] = await Promise.all([read('crt'), read('key')]);
  return { certificate, key };
}
