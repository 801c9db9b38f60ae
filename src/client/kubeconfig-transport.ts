import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { type ClientCertificate, createHttpsTransport } from './https-transport.ts';
import type { Transport } from './transport.ts';

interface Kubeconfig {
  'current-context'?: string;
  clusters?: Named<'cluster', ClusterEntry>[];
  users?: Named<'user', UserEntry>[];
  contexts?: Named<'context', { cluster?: string; user?: string; namespace?: string }>[];
}
type Named<Field extends string, Entry> = { name: string } & { [name in Field]?: Entry };
interface ClusterEntry {
  server?: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
}
interface UserEntry {
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  token?: string;
  tokenFile?: string;
}

export interface KubeconfigOptions {
  /** A kubeconfig file. */
  readonly path: string;
  readonly clock: Clock;
  /** Absent: its current context. */
  readonly context?: string;
}

/** A transport to the cluster a kubeconfig names, as the user it names. Files it refers to are read again as they rotate. */
export async function createKubeconfigTransport({ path, clock, context }: KubeconfigOptions): Promise<Transport> {
  const { load } = await import('js-yaml');
  const config = load(await readFile(path, 'utf8')) as Kubeconfig;
  const contextName = context ?? config['current-context'] ?? '';
  const chosen = config.contexts?.find(({ name }) => name === contextName)?.context;
  if (!chosen) throw new Error(`${path}: no context "${contextName}"`);
  const cluster = config.clusters?.find(({ name }) => name === chosen.cluster)?.cluster;
  if (!cluster?.server) throw new Error(`${path}: no server for cluster "${chosen.cluster}"`);
  const user = config.users?.find(({ name }) => name === chosen.user)?.user ?? {};
  const read = reader(dirname(path));
  const ca = await read(cluster['certificate-authority-data'], cluster['certificate-authority']);
  const token = tokenOf(user, dirname(path));
  const hasCertificate = user['client-certificate-data'] ?? user['client-certificate'];
  const clientCertificate = async (): Promise<ClientCertificate> => ({
    certificate: (await read(user['client-certificate-data'], user['client-certificate'])) ?? '',
    key: (await read(user['client-key-data'], user['client-key'])) ?? '',
  });
  return createHttpsTransport({
    server: cluster.server,
    clock,
    ...(ca ? { ca } : {}),
    ...(hasCertificate ? { clientCertificate } : {}),
    ...(token ? { token } : {}),
    ...(cluster['tls-server-name'] ? { serverName: cluster['tls-server-name'] } : {}),
    insecureSkipTlsVerify: cluster['insecure-skip-tls-verify'] ?? false,
  });
}

function reader(folder: string) {
  return async (data: string | undefined, file: string | undefined): Promise<string | undefined> => {
    if (data) return Buffer.from(data, 'base64').toString('utf8');
    return file ? readFile(resolve(folder, file), 'utf8') : undefined;
  };
}

function tokenOf(user: UserEntry, folder: string): string | (() => Promise<string>) | undefined {
  const { token, tokenFile } = user;
  if (tokenFile) return async () => (await readFile(resolve(folder, tokenFile), 'utf8')).trim();
  return token;
}
