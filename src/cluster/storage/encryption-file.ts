// The configuration of encryption at rest: the cluster's own, made with a new key, or the one that was named.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeDurably } from '../../base/durable-file.ts';
import {
  type EncryptionConfiguration,
  EncryptionConfigurationError,
  type EncryptionKey,
  type EncryptionRule,
  type Provider,
  parseEncryptionConfiguration,
  printEncryptionConfiguration,
} from '../../store/encryption/configuration.ts';
import { exitCodes, UserFailure } from '../failure.ts';
import type { Layout } from '../settings/layout.ts';
import type { StorageOptions } from './storage-options.ts';

export interface EncryptionFile {
  readonly path: string;
  /** Ours to change: keys are rotated in it. */
  readonly isOwn: boolean;
}

/** Next to the other keys, away from the store. */
export function encryptionFileOf(layout: Layout, options: StorageOptions | undefined): EncryptionFile {
  const named = options?.encryptionConfigFile;
  return { path: named ?? join(layout.pki, 'encryption-config.yaml'), isOwn: named === undefined };
}

export interface LoadedEncryption {
  readonly configuration: EncryptionConfiguration;
  /** Of the file's text. */
  readonly hash: string;
}

/** As upstream names what a text or a name is without telling it. */
export const hashOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** Reads the configuration; the cluster's own is made when it is not there. @throws UserFailure */
export function ensureEncryption(file: EncryptionFile, nowMs: number): LoadedEncryption {
  if (file.isOwn && !existsSync(file.path)) {
    const secrets: EncryptionRule = { resources: ['secrets'], providers: [newProvider(nowMs), identity] };
    mkdirSync(dirname(file.path), { recursive: true, mode: 0o700 });
    writeConfiguration(file.path, { rules: [secrets] });
  }
  return readEncryption(file);
}

/** @throws UserFailure */
export function readEncryption({ path }: EncryptionFile): LoadedEncryption {
  try {
    const text = readFileSync(path, 'utf8');
    return { configuration: parseEncryptionConfiguration(text), hash: hashOf(text) };
  } catch (error) {
    const isText = error instanceof EncryptionConfigurationError;
    const problem = isText ? error.message : `cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`;
    throw new UserFailure(
      exitCodes.usage,
      'E_ENCRYPTION_CONFIG',
      `the encryption configuration ${path}: ${problem}`,
      'mend the file; docs/storage.md shows its form',
    );
  }
}

/** Somebody else on this machine may read the keys. */
export function isReadableByOthers({ path }: EncryptionFile): boolean {
  return (statSync(path).mode & 0o077) !== 0;
}

const identity: Provider = { type: 'identity', keys: [] };

function newKey(nowMs: number): EncryptionKey {
  const stamp = new Date(nowMs).toISOString().replace(/\D/g, '').slice(0, 14);
  return { name: `key-${stamp}-${randomBytes(2).toString('hex')}`, secret: randomBytes(32) };
}

const newProvider = (nowMs: number): Provider => ({ type: 'aesgcm', keys: [newKey(nowMs)] });

/** With a new key in front, that writes from now on; the keys before it still read. */
export function withNewKeys({ rules }: EncryptionConfiguration, nowMs: number): EncryptionConfiguration {
  const rotate = ({ resources, providers }: EncryptionRule): EncryptionRule => {
    const [first, ...rest] = providers;
    if (first?.type !== 'aesgcm') return { resources, providers: [newProvider(nowMs), ...providers] };
    return { resources, providers: [{ type: 'aesgcm', keys: [newKey(nowMs), ...first.keys] }, ...rest] };
  };
  return { rules: rules.map(rotate) };
}

/** With the keys that write, and no others; plain values are still read. */
export function withoutOldKeys({ rules }: EncryptionConfiguration): EncryptionConfiguration {
  return {
    rules: rules.map(({ resources, providers }) => {
      const [first] = providers;
      return { resources, providers: [{ ...first!, keys: first!.keys.slice(0, 1) }, identity] };
    }),
  };
}

/** Whole or not at all, and on the disk before anything is written under the new key. @returns the text's hash */
export function writeConfiguration(path: string, configuration: EncryptionConfiguration): string {
  const text = printEncryptionConfiguration(configuration);
  writeDurably(path, text);
  return hashOf(text);
}
