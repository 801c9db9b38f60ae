// How a cluster keeps its objects; decided by flags of `up`, kept in its settings, so that it comes back the same.

export interface EtcdOptions {
  /** `https://10.0.0.1:2379`, one or more of one cluster. */
  readonly servers: readonly string[];
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Put before every key; default none: keys begin with `/registry/`. */
  readonly prefix?: string;
}

export interface StorageOptions {
  /** Absent: SQLite in the data directory. */
  readonly etcd?: EtcdOptions;
  /** How much history is kept; 0: all. Absent: 5 minutes. */
  readonly compactionIntervalMs?: number;
  /** Where the embedded store refuses writes. Absent: 8 GiB. */
  readonly quotaBytes?: number;
  /** How long Events live. Absent: an hour. */
  readonly eventTtlMs?: number;
  /** An EncryptionConfiguration. Absent: the cluster's own, which encrypts Secrets. */
  readonly encryptionConfigFile?: string;
  /** The file is read again when it changes. */
  readonly reloadsEncryptionConfig?: boolean;
}

export const storageDefaults = {
  compactionIntervalMs: 5 * 60_000,
  quotaBytes: 8 * 2 ** 30,
  eventTtlMs: 3600_000,
} as const;
