// Certificates of the node agent's process: who it is to the API server, and how it shows itself on its own port. The
// server issues them, so that the process never sees the authority's key.
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identity, KeyPair, Pki } from '../pki.ts';
import type { NodePlan } from './node-plan.ts';

type Name = 'node-client' | 'node-serving' | 'node-proxy';

export function nodeIdentities({ name, address, pki }: Pick<NodePlan, 'name' | 'address' | 'pki'>) {
  const identities: Record<Name, Identity> = {
    'node-client': { file: 'node-client', commonName: `system:node:${name}`, organizations: ['system:nodes'] },
    'node-serving': {
      file: 'node-serving',
      commonName: `system:node:${name}`,
      hosts: [...new Set([name, address, '127.0.0.1'])],
    },
    'node-proxy': { file: 'node-proxy', commonName: 'system:kube-proxy' },
  };
  return Object.values(identities).map((identity) => ({ ...identity, folder: pki }));
}

export async function issueNodeIdentities(pki: Pki, plan: NodePlan): Promise<void> {
  if (plan.pki !== pki.folder) {
    mkdirSync(plan.pki, { recursive: true, mode: 0o700 });
    writeFileSync(join(plan.pki, 'ca.crt'), pki.ca, { mode: 0o644 });
  }
  await Promise.all(nodeIdentities(plan).map((identity) => pki.ensure(identity)));
}

export async function readIdentity(pkiFolder: string, name: Name): Promise<KeyPair> {
  const read = (suffix: string) => readFile(join(pkiFolder, `${name}.${suffix}`), 'utf8');
  const [certificate, key] = await Promise.all([read('crt'), read('key')]);
  return { certificate, key };
}
