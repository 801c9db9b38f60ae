// The store of a cluster: an engine, encryption above it, and what can be asked of both while the cluster runs.
import { join } from 'node:path';
import type { HealthCheck } from '../../apiserver/discovery/health.ts';
import { prefixOfKey, registryRoot, resourceOfKey } from '../../apiserver/registry/storage-key.ts';
import { type Clock, rfc3339 } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { EncryptionConfiguration } from '../../store/encryption/configuration.ts';
import { EncryptedStore, type KeyPlace } from '../../store/encryption/encrypted-store.ts';
import { KeyServiceError, Sealer, UnreadableValueError } from '../../store/encryption/sealer.ts';
import { openSqliteStore } from '../../store/engines/sqlite.ts';
import { writeSnapshot } from '../../store/snapshot.ts';
import type { Store } from '../../store/store.ts';
import type { Layout } from '../settings/layout.ts';
import type { ControlActions } from '../socket/control-socket.ts';
import * as encryptionFailures from './encryption-failures.ts';
import {
  type EncryptionFile,
  encryptionFileOf,
  ensureEncryption,
  isReadableByOthers,
  type LoadedEncryption,
  readEncryption,
  withNewKeys,
  withoutOldKeys,
  writeConfiguration,
} from './encryption-file.ts';
import { EncryptionReload } from './encryption-reload.ts';
import { openEtcd } from './open-etcd.ts';
import { alarmOf } from './storage-monitor.ts';
import { type StorageOptions, storageDefaults } from './storage-options.ts';

/** What is encrypted with which key: names only. */
export interface EncryptionStatus {
  readonly file: string;
  readonly rules: readonly { readonly resources: readonly string[]; readonly writesWith: string }[];
}

export interface StorageStatus {
  readonly engine: string;
  readonly revision: number;
  readonly compactedRevision: number;
  readonly sizeBytes: number;
  /** Absent: not known. */
  readonly quotaBytes?: number;
  readonly encryption: EncryptionStatus;
  /** What is wrong with it, when something is. */
  readonly alarm?: string;
}

export interface StorageParts {
  readonly layout: Layout;
  readonly options: StorageOptions | undefined;
  /** Which server this is, among several. */
  readonly serverId: string;
  readonly clock: Clock;
  readonly log: Logger;
}

const retiredForMs = 10_000;

export class Storage implements AsyncDisposable {
  /** What the API server works with: values are plain. */
  readonly store: EncryptedStore;
  readonly engine: string;
  readonly #base: Store;
  readonly #file: EncryptionFile;
  readonly #parts: StorageParts;
  readonly #reload: EncryptionReload;
  /** Of the configuration's text that is in use. */
  #hash: string;
  /** One rotation or rewrite at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #releases = new Set<Disposable>();

  private constructor(
    parts: StorageParts,
    engine: string,
    base: Store,
    file: EncryptionFile,
    { sealer, hash }: { readonly sealer: Sealer; readonly hash: string },
  ) {
    this.#parts = parts;
    this.engine = engine;
    this.#base = base;
    this.#file = file;
    this.store = new EncryptedStore({ store: base, sealer, placeOf: placesByPrefix() });
    this.#hash = hash;
    this.#reload = new EncryptionReload({
      path: file.path,
      serverId: parts.serverId,
      clock: parts.clock,
      log: parts.log,
      loaded: () => this.#hash,
      load: (signal) => this.#load(signal),
    });
  }

  static async open(parts: StorageParts): Promise<Storage> {
    const { layout, options, clock, log } = parts;
    const file = encryptionFileOf(layout, options);
    if (options?.reloadsEncryptionConfig && file.isOwn) throw encryptionFailures.nothingToReload();
    const { configuration, hash } = ensureEncryption(file, clock.now());
    const sealer = await createSealer(configuration, clock);
    if (isReadableByOthers(file)) log.warn('others may read the keys of encryption at rest', { file: file.path });
    const [engine, store] = await openEngine(layout, options);
    return new Storage(parts, engine, store, file, { sealer, hash });
  }

  /** What the API server is given. */
  partsOfServer(): { store: Store; healthChecks: HealthCheck[]; printMetrics: () => string } {
    return { store: this.store, healthChecks: this.#healthChecks(), printMetrics: () => this.#reload.print() };
  }

  /** As upstream's check of this name; there when a key service is in use, or may be after a change of the file. */
  #healthChecks(): HealthCheck[] {
    const on = ['healthz', 'readyz'] as const;
    const usesService = this.store.sealer.configuration.rules.some(({ providers }) =>
      providers.some(({ type }) => type === 'kms'),
    );
    return usesService || this.#parts.options?.reloadsEncryptionConfig
      ? [{ name: 'kms-providers', on, problem: () => this.store.sealer.problem }]
      : [];
  }

  async status(): Promise<StorageStatus> {
    const { revision, compactedRevision, quotaBytes } = this.store;
    const sizeBytes = await this.store.sizeBytes();
    const alarm = alarmOf(sizeBytes, quotaBytes);
    return {
      engine: this.engine,
      revision,
      compactedRevision,
      sizeBytes,
      ...(quotaBytes === undefined ? {} : { quotaBytes }),
      encryption: this.#encryptionStatus(),
      ...(alarm ? { alarm } : {}),
    };
  }

  #encryptionStatus(): EncryptionStatus {
    const { rules } = this.store.sealer.configuration;
    return {
      file: this.#file.path,
      rules: rules.map(({ resources, providers: [first] }) => ({
        resources,
        writesWith: [first!.type, first!.service?.name ?? first!.keys[0]?.name].filter(Boolean).join(' '),
      })),
    };
  }

  /** As the engine holds it: what is sealed stays sealed. */
  snapshot(): AsyncGenerator<Buffer> {
    return writeSnapshot(this.#base, rfc3339(this.#parts.clock.now()), registryRoot);
  }

  /** Everything that is not needed to read what is there now is forgotten. */
  async compact(): Promise<void> {
    await this.#base.compact(this.#base.revision);
  }

  /** A new key writes from now on, and all that is there is written again with it. The old ones still read. */
  rotate(signal?: AbortSignal): Promise<{ examined: number; rewritten: number }> {
    return this.#inTurn(async () => {
      this.#requireAlone();
      const next = withNewKeys(this.store.sealer.configuration, this.#parts.clock.now());
      const sealer = await createSealer(next, this.#parts.clock);
      this.#use(sealer, writeConfiguration(this.#file.path, next));
      return this.#rewrite(signal);
    });
  }

  /** Reads the configuration again, and writes again what is stored otherwise than it says. */
  rewrite(signal?: AbortSignal): Promise<{ examined: number; rewritten: number }> {
    return this.#inTurn(async () => {
      await this.#take(readEncryption(this.#file), signal);
      return this.#rewrite(signal);
    });
  }

  /** Takes the configuration again whenever its file changes, if that was asked for. */
  async followEncryption(signal: AbortSignal): Promise<void> {
    if (this.#parts.options?.reloadsEncryptionConfig) await this.#reload.run(signal);
  }

  #load(signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      const loaded = readEncryption(this.#file);
      if (loaded.hash !== this.#hash) await this.#take(loaded, signal);
    });
  }

  /** Uses it, if everything can be read with it that is there. @throws UserFailure */
  async #take({ configuration, hash }: LoadedEncryption, signal?: AbortSignal): Promise<void> {
    const sealer = await createSealer(configuration, this.#parts.clock, signal);
    const { rules } = this.store.sealer.configuration;
    try {
      // What is encrypted now must be readable although no rule speaks of it any longer.
      for (const prefix of prefixesOf({ rules: [...rules, ...configuration.rules] })) {
        await this.store.verify(sealer, prefix, signal);
      }
      signal?.throwIfAborted();
    } catch (error) {
      sealer.close();
      if (error instanceof UnreadableValueError) throw encryptionFailures.wouldLoseKeys(this.#file, error);
      throw error;
    }
    this.#use(sealer, hash);
  }

  /** What was written a moment ago may come back from the engine a moment later. */
  #use(sealer: Sealer, hash: string): void {
    const release = this.store.use(sealer);
    this.#hash = hash;
    const timer = this.#parts.clock.timer(retiredForMs, () => {
      this.#releases.delete(timer);
      release();
    });
    this.#releases.add(timer);
  }

  /** Takes keys out of the file that nothing is written with any longer, history included. */
  prune(): Promise<{ examined: number; rewritten: number }> {
    return this.#inTurn(async () => {
      this.#requireAlone();
      const done = await this.#rewrite();
      await this.compact();
      const next = withoutOldKeys(this.store.sealer.configuration);
      const sealer = await createSealer(next, this.#parts.clock);
      this.#use(sealer, writeConfiguration(this.#file.path, next));
      return done;
    });
  }

  /** Keys in our own file, and no other server that would have to know them first. @throws UserFailure */
  #requireAlone(): void {
    if (!this.#file.isOwn) throw encryptionFailures.notOurs(this.#file);
    if (this.store.head) throw encryptionFailures.notAlone(this.#file);
  }

  /** After a start: what was written before the cluster's own keys were as they are is written again. */
  async rewriteStale(signal: AbortSignal): Promise<void> {
    if (!this.#file.isOwn || this.store.staleSeen === 0) return;
    const { rewritten } = await this.#inTurn(() => this.#rewrite(signal));
    this.#parts.log.info('stored values were encrypted again', { rewritten });
  }

  /** For the control socket. */
  actions(): ControlActions {
    return {
      'GET /storage': () => this.status(),
      'GET /storage/snapshot': () => this.snapshot(),
      'POST /encryption/rotate': () => this.rotate(),
      'POST /encryption/rewrite': () => this.rewrite(),
      'POST /encryption/prune': () => this.prune(),
    };
  }

  async #rewrite(signal?: AbortSignal): Promise<{ examined: number; rewritten: number }> {
    const total = { examined: 0, rewritten: 0 };
    for (const prefix of prefixesOf(this.store.sealer.configuration)) {
      const { examined, rewritten } = await this.store.rewrite(prefix, signal);
      total.examined += examined;
      total.rewritten += rewritten;
    }
    return total;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    for (const timer of this.#releases) timer[Symbol.dispose]();
    return this.store[Symbol.asyncDispose]();
  }
}

async function createSealer(
  configuration: EncryptionConfiguration,
  clock: Clock,
  signal?: AbortSignal,
): Promise<Sealer> {
  try {
    return await Sealer.create(configuration, clock, signal);
  } catch (error) {
    if (!(error instanceof KeyServiceError)) throw error;
    throw encryptionFailures.serviceFailed(error);
  }
}

async function openEngine(layout: Layout, options: StorageOptions | undefined): Promise<[name: string, store: Store]> {
  if (options?.etcd) return [options.etcd.servers.join(','), await openEtcd(options.etcd)];
  const file = storeFileOf(layout);
  return [file, await openSqliteStore({ file, maxBytes: options?.quotaBytes ?? storageDefaults.quotaBytes })];
}

/** Whose a key is; looked up for every value, so that it is worked out once a resource. */
function placesByPrefix(): (key: string) => KeyPlace | undefined {
  const places = new Map<string, KeyPlace | undefined>();
  return (key) => {
    const prefix = prefixOfKey(key);
    if (!prefix) return undefined;
    let place = places.get(prefix);
    if (!place) {
      place = resourceOfKey(key);
      places.set(prefix, place);
    }
    return place;
  };
}

export const storeFileOf = (layout: Layout): string => join(layout.store, 'state.db');

/** Where values are that the rules speak of; one for all when a rule names more than one resource by a star. */
function prefixesOf({ rules }: EncryptionConfiguration): string[] {
  const names = rules.flatMap(({ resources }) => resources);
  if (names.some((name) => name.startsWith('*'))) return [registryRoot];
  const prefixOf = (name: string) => {
    const [plural = '', ...group] = name.split('.');
    return `${registryRoot}${group.join('.') || 'core'}/${plural}/`;
  };
  return [...new Set(names.map(prefixOf))];
}
