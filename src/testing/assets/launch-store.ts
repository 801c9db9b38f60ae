// Where the API server's data are: beside the stand-in for etcd when that answers, else in a real etcd.
import { join } from 'node:path';
import { openEtcd } from '../../cluster/storage/open-etcd.ts';
import { openSqliteStore } from '../../store/engines/sqlite.ts';
import type { Store } from '../../store/store.ts';
import type { ApiServerLaunch } from './apiserver-options.ts';
import { type Whereabouts, whereaboutsPath } from './etcd.ts';

export async function openLaunchStore({ etcdServers, etcdFiles, etcdPrefix }: ApiServerLaunch): Promise<Store> {
  const whereabouts = await askWhere(etcdServers[0]!);
  if (whereabouts) return openSqliteStore({ file: join(whereabouts.dataDir, 'coracle', 'state.db') });
  const { ca, cert, key } = etcdFiles;
  return openEtcd({
    servers: etcdServers,
    ...(ca ? { caFile: ca } : {}),
    ...(cert ? { certFile: cert } : {}),
    ...(key ? { keyFile: key } : {}),
    ...(etcdPrefix ? { prefix: etcdPrefix } : {}),
  });
}

/** Undefined: somebody else listens there. */
async function askWhere(server: string): Promise<Whereabouts | undefined> {
  try {
    const answer = await fetch(new URL(whereaboutsPath, server), { signal: AbortSignal.timeout(5_000) });
    return answer.ok ? ((await answer.json()) as Whereabouts) : undefined;
  } catch {
    return undefined; // it speaks TLS, or is not there: the client of etcd will say what is wrong
  }
}
