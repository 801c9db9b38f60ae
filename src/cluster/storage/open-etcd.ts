// etcd as a cluster's store: its certificates are read here, and what a person can mend is said so.
import { readFileSync } from 'node:fs';
import { registryRoot } from '../../apiserver/registry/storage-key.ts';
import { type Store, UnavailableError } from '../../store/store.ts';
import { exitCodes, UserFailure } from '../failure.ts';
import type { EtcdOptions } from './storage-options.ts';

/** @throws UserFailure */
export async function openEtcd({ servers, caFile, certFile, keyFile, prefix }: EtcdOptions): Promise<Store> {
  // Only clusters with etcd load gRPC in the server.
  const { openEtcdStore } = await import('../../store/engines/etcd/etcd.ts');
  const tls = {
    ...(caFile ? { ca: readPem(caFile) } : {}),
    ...(certFile ? { certificate: readPem(certFile) } : {}),
    ...(keyFile ? { key: readPem(keyFile) } : {}),
  };
  try {
    return await openEtcdStore({ servers, tls, prefix: prefix ?? '', root: registryRoot });
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    const remedy = 'see that it runs, and that --etcd-cafile, --etcd-certfile and --etcd-keyfile fit it';
    throw new UserFailure(exitCodes.missing, 'E_ETCD', `etcd at ${servers.join(',')}: ${error.message}`, remedy);
  }
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const problem = `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`;
    throw new UserFailure(exitCodes.usage, 'E_ETCD', problem, 'name the file of etcd’s certificates that is there');
  }
}
