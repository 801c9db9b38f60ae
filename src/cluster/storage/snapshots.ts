// Snapshots as files: taken from a running cluster, put back into a stopped one.
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { type Restored, restoreSqlite } from '../../store/engines/sqlite-restore.ts';
import { SnapshotError, type SnapshotSummary, verifySnapshot } from '../../store/snapshot.ts';
import { exitCodes, UserFailure } from '../failure.ts';
import type { Layout } from '../settings/layout.ts';
import { readSettings } from '../settings/settings.ts';
import { isAlive, readState } from '../settings/state.ts';
import { openAnswer } from '../socket/control-client.ts';
import { encryptionFileOf, readEncryption } from './encryption-file.ts';
import { storeFileOf } from './storage.ts';

/** Writes the file whole or not at all. @throws UserFailure */
export async function saveSnapshot(layout: Layout, file: string): Promise<SnapshotSummary> {
  const draft = `${file}.part`;
  const answer = await openAnswer(layout, 'GET', '/storage/snapshot');
  const target = await open(draft, 'w', 0o600).catch((error) => {
    answer.destroy();
    throw unwritable(file, error);
  });
  try {
    try {
      for await (const chunk of answer) await target.writeFile(chunk as Buffer);
      await target.sync();
    } finally {
      await target.close();
    }
    const summary = await inspectSnapshot(draft);
    await rename(draft, file);
    return summary;
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** @throws UserFailure when it is not whole */
export async function inspectSnapshot(file: string): Promise<SnapshotSummary> {
  try {
    return await verifySnapshot(file);
  } catch (error) {
    throw unusable(file, error);
  }
}

/** @throws UserFailure; the cluster is as it was then */
export async function restoreSnapshot(layout: Layout, file: string): Promise<Restored & { kept?: string }> {
  const server = readState(layout)?.components.find(({ name }) => name === 'apiserver');
  if (server && isAlive(server)) {
    const remedy = `stop it first: coracle down --name ${layout.name}`;
    throw new UserFailure(exitCodes.conflict, 'E_RUNNING', `cluster "${layout.name}" is running`, remedy);
  }
  if (readSettings(layout)?.storage?.etcd) {
    const remedy =
      'restore etcd with its own tools: etcdutl snapshot restore --bump-revision 1000000000 --mark-compacted';
    throw new UserFailure(exitCodes.conflict, 'E_ETCD', 'this cluster keeps its objects in etcd', remedy);
  }
  const summary = await inspectSnapshot(file);
  requireKeys(layout, summary);
  const target = storeFileOf(layout);
  mkdirSync(layout.store, { recursive: true, mode: 0o700 });
  const kept = existsSync(target) ? `${target}.before-restore` : undefined;
  const draft = `${target}.restored`;
  const restored = await restoreSqlite(file, draft);
  if (kept) for (const suffix of ['', '-wal', '-shm']) moveIfThere(`${target}${suffix}`, `${kept}${suffix}`);
  renameSync(draft, target);
  return kept ? { ...restored, kept } : restored;
}

function moveIfThere(from: string, to: string): void {
  if (existsSync(from)) renameSync(from, to);
}

/** Sealed values without their key are no cluster. */
function requireKeys(layout: Layout, { sealedBy }: SnapshotSummary): void {
  if (sealedBy.length === 0) return;
  const file = encryptionFileOf(layout, readSettings(layout)?.storage);
  const known = new Set<string>();
  if (existsSync(file.path)) {
    for (const { providers } of readEncryption(file).configuration.rules)
      for (const { type, keys, service } of providers) {
        if (service) known.add(`k8s:enc:kms:v2:${service.name}:`);
        for (const { name } of keys) known.add(`k8s:enc:${type}:v1:${name}:`);
      }
  }
  const missing = sealedBy.find((mark) => !known.has(mark));
  if (!missing) return;
  throw new UserFailure(
    exitCodes.missing,
    'E_NO_KEY',
    `the snapshot needs the key "${missing.split(':')[4]}", which is not in ${file.path}`,
    `put the encryption configuration that belongs to the snapshot there, readable by its owner only`,
  );
}

function unusable(file: string, error: unknown): UserFailure {
  const code = (error as NodeJS.ErrnoException).code;
  const problem = error instanceof SnapshotError ? error.message : `it cannot be read (${code ?? error})`;
  return new UserFailure(exitCodes.usage, 'E_SNAPSHOT', `${file} is no use: ${problem}`, 'take another snapshot');
}

function unwritable(file: string, error: unknown): UserFailure {
  const problem = `${file} cannot be written (${(error as NodeJS.ErrnoException).code ?? error})`;
  return new UserFailure(exitCodes.usage, 'E_SNAPSHOT', problem, 'name a file in a folder that is yours');
}
