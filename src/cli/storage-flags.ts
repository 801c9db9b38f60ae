// The flags of `up` about storage; named as upstream's API server and etcd name them.
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { EtcdOptions, StorageOptions } from '../cluster/storage/storage-options.ts';

export interface StorageFlags {
  etcdServers?: readonly string[];
  etcdCafile?: string;
  etcdCertfile?: string;
  etcdKeyfile?: string;
  etcdPrefix?: string;
  etcdCompactionInterval?: number;
  quotaBackendBytes?: number;
  eventTtl?: number;
  encryptionProviderConfig?: string;
  encryptionProviderConfigAutomaticReload?: boolean;
}

export function addStorageFlags(command: Command): Command {
  return command
    .option('--etcd-servers <urls>', 'keep the objects in etcd: its addresses, with commas between', parseServers)
    .option('--etcd-cafile <file>', 'authority that signed the certificates of the etcd servers')
    .option('--etcd-certfile <file>', 'certificate to show to etcd')
    .option('--etcd-keyfile <file>', 'key of that certificate')
    .option('--etcd-prefix <prefix>', 'put before all keys in etcd, for clusters that share one', parsePrefix)
    .option('--etcd-compaction-interval <time>', 'how much history is kept, like 5m0s; 0 keeps all', parseDuration)
    .option('--quota-backend-bytes <bytes>', 'where the embedded store refuses writes (default 8 GiB)', parseBytes)
    .option('--event-ttl <time>', 'how long Events are kept (default 1h0m0s)', parseDuration)
    .option('--encryption-provider-config <file>', 'EncryptionConfiguration to use instead of the cluster’s own')
    .option(
      '--encryption-provider-config-automatic-reload [true|false]',
      'read that file again whenever it changes (default false)',
      parseBoolean,
    );
}

/** What was asked; undefined when nothing was. */
export function storageOptions(flags: StorageFlags): StorageOptions | undefined {
  const options: StorageOptions = {
    ...(flags.etcdServers ? { etcd: etcdOptions(flags, flags.etcdServers) } : {}),
    ...(flags.etcdCompactionInterval === undefined ? {} : { compactionIntervalMs: flags.etcdCompactionInterval }),
    ...(flags.quotaBackendBytes === undefined ? {} : { quotaBytes: flags.quotaBackendBytes }),
    ...(flags.eventTtl === undefined ? {} : { eventTtlMs: flags.eventTtl }),
    ...(flags.encryptionProviderConfig ? { encryptionConfigFile: resolve(flags.encryptionProviderConfig) } : {}),
    ...(flags.encryptionProviderConfigAutomaticReload === undefined
      ? {}
      : { reloadsEncryptionConfig: flags.encryptionProviderConfigAutomaticReload }),
  };
  return Object.keys(options).length > 0 ? options : undefined;
}

function etcdOptions(flags: StorageFlags, servers: readonly string[]): EtcdOptions {
  return {
    servers,
    ...(flags.etcdCafile ? { caFile: resolve(flags.etcdCafile) } : {}),
    ...(flags.etcdCertfile ? { certFile: resolve(flags.etcdCertfile) } : {}),
    ...(flags.etcdKeyfile ? { keyFile: resolve(flags.etcdKeyfile) } : {}),
    ...(flags.etcdPrefix ? { prefix: flags.etcdPrefix } : {}),
  };
}

function parseBoolean(value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw new InvalidArgumentError('write true or false.');
}

function parseServers(value: string): string[] {
  const servers = value.split(',');
  for (const server of servers) {
    const url = URL.parse(server);
    const isUsable = url && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname;
    if (!isUsable) throw new InvalidArgumentError(`"${server}" is no address; write https://HOST:2379.`);
  }
  return servers;
}

function parsePrefix(value: string): string {
  if (/^(?:\/[A-Za-z0-9._-]+)+$/.test(value) && !/\/\.\.?(?:\/|$)/.test(value)) return value;
  throw new InvalidArgumentError('write a path like /team-a.');
}

const unitMs: Readonly<Record<string, number>> = { h: 3600_000, m: 60_000, s: 1000, ms: 1 };

/** Go's durations, to milliseconds: `5m0s`, `1h`, `90s`, `0`. */
export function parseDuration(value: string): number {
  if (value === '0') return 0;
  let rest = value;
  let total = 0;
  while (rest !== '') {
    const match = /^(\d+(?:\.\d+)?)(ms|h|m|s)/.exec(rest);
    if (!match) throw new InvalidArgumentError('write a time like 5m0s, 90s or 1h.');
    total += Number(match[1]) * unitMs[match[2]!]!;
    rest = rest.slice(match[0].length);
  }
  if (value === '') throw new InvalidArgumentError('write a time like 5m0s, 90s or 1h.');
  return Math.round(total);
}

const leastQuota = 16 * 2 ** 20;

function parseBytes(value: string): number {
  const bytes = Number(value);
  if (Number.isSafeInteger(bytes) && bytes >= leastQuota) return bytes;
  throw new InvalidArgumentError(`write a number of bytes, at least ${leastQuota}.`);
}
