// What stands in for etcd: it answers health checks and says where the API server keeps its data. Nothing else of etcd is
// here; the store itself is opened by the API server, in this program's data directory.
import { chmodSync, mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { resolve } from 'node:path';
import { untilAborted } from '../../base/signals.ts';
import { etcdFlags } from './etcd-flags.ts';
import { FlagError, type Flags, type FlagWords, isOn, parseFlags } from './flags.ts';

export const etcdVersion = '3.6.8';
/** Where an API server of ours asks; etcd itself answers 404. */
export const whereaboutsPath = '/coracle/data-dir';

export interface Whereabouts {
  readonly dataDir: string;
  /** What is acknowledged survives a failure of the machine. */
  readonly isSynced: boolean;
}

const words: FlagWords = {
  unknown: (name) => `flag provided but not defined: -${name}`,
  noArgument: (name) => `flag needs an argument: -${name}`,
  positional: ([first]) => `"${first}" is not a valid flag`,
  wrongSwitch: (name, value) => `invalid boolean value "${value}" for -${name}: parse error`,
};

export const parseEtcdFlags = (args: readonly string[]): Flags => parseFlags(args, etcdFlags, words);

/** Serves until the signal aborts. @throws FlagError */
export async function runEtcd(flags: Flags, signal: AbortSignal): Promise<void> {
  const name = flags.get('name')?.[0] ?? 'default';
  const dataDir = resolve(flags.get('data-dir')?.[0] ?? `${name}.etcd`);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  chmodSync(dataDir, 0o700);
  const whereabouts: Whereabouts = { dataDir, isSynced: !isOn(flags, 'unsafe-no-fsync') };
  const urls = flags.get('listen-client-urls') ?? ['http://localhost:2379'];
  const servers = await Promise.all(urls.map((url) => serve(new URL(url), whereabouts)));
  await untilAborted(signal);
  await Promise.all(servers.map(close));
}

function serve(url: URL, whereabouts: Whereabouts): Promise<Server> {
  if (url.protocol !== 'http:') throw new FlagError(`${url.href}: Coracle's etcd for tests listens with http only`);
  const answers: Readonly<Record<string, object>> = {
    '/health': { health: 'true', reason: '' },
    '/version': { etcdserver: etcdVersion, etcdcluster: '3.6.0', storage: '3.6.0' },
    [whereaboutsPath]: whereabouts,
  };
  const server = createServer((request, response) => {
    const answer = answers[request.url?.split('?')[0] ?? ''];
    response.writeHead(answer ? 200 : 404, { 'content-type': answer ? 'application/json' : 'text/plain' });
    response.end(answer ? JSON.stringify(answer) : '404 page not found\n');
  });
  return new Promise((resolved, rejected) => {
    server.once('error', rejected);
    server.listen(Number(url.port || 2379), url.hostname.replace(/^\[|\]$/g, ''), () => resolved(server));
  });
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolved) => server.close(() => resolved()));
}
