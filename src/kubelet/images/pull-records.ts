// What was pulled here, and with whose credentials: an image of a private registry is not for pods that could not pull it
// themselves. Files as the kubelet's: `pulled/sha256-HASH` for what is here, `pulling/sha256-HASH` for what was begun.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rfc3339 } from '../../base/clock.ts';
import type { ObjectCoordinates } from './keyring.ts';

const apiVersion = 'kubelet.config.k8s.io/v1beta1';

export interface SecretRecord extends ObjectCoordinates {
  readonly credentialHash: string;
}

export interface PullCredentials {
  readonly kubernetesSecrets?: readonly SecretRecord[];
  readonly kubernetesServiceAccounts?: readonly ObjectCoordinates[];
  /** Pulled without credentials, or with the node's own. */
  readonly nodePodsAccessible?: boolean;
}

export interface PulledRecord {
  readonly lastUpdatedTime: string;
  readonly imageRef: string;
  /** By the reference without tag and digest. */
  readonly credentialMapping: Readonly<Record<string, PullCredentials>>;
}

export interface PullRecords {
  pulled(imageRef: string): Promise<PulledRecord | undefined>;
  /** Adds what the image was pulled with; nothing where it is not known. */
  addPulled(imageRef: string, repository: string, credentials: PullCredentials | undefined): Promise<void>;
  isPulling(image: string): Promise<boolean>;
  beginPull(image: string): Promise<void>;
  endPull(image: string): Promise<void>;
  /** Images whose pull was not seen to end. */
  unfinished(): Promise<string[]>;
  /** Forgets images that are not here any more. */
  retain(imageRefs: ReadonlySet<string>): Promise<void>;
}

/** Kept in files below `folder`. @param nowMs the present */
export function createPullRecords(folder: string, nowMs: () => number): PullRecords {
  const [pulledDir, pullingDir] = [join(folder, 'pulled'), join(folder, 'pulling')];
  const ready = Promise.all([pulledDir, pullingDir].map((path) => mkdir(path, { recursive: true, mode: 0o700 })));
  /** By image: how many pulls are under way. */
  const pulling = new Map<string, number>();
  /** One change of a record after the other. */
  let last: Promise<unknown> = ready;
  const inTurn = <T>(action: () => Promise<T>): Promise<T> => {
    const done = last.then(action, action);
    last = done.catch(() => undefined);
    return done;
  };
  const write = async (path: string, record: object): Promise<void> => {
    await writeFile(`${path}.tmp`, JSON.stringify(record), { mode: 0o600 });
    await rename(`${path}.tmp`, path);
  };
  const pulledFile = (imageRef: string) => join(pulledDir, fileName(imageRef));
  const pullingFile = (image: string) => join(pullingDir, fileName(image));
  const readAll = async <T>(dir: string): Promise<T[]> => {
    await ready;
    const names = (await readdir(dir)).filter((name) => name.startsWith('sha256-') && !name.endsWith('.tmp'));
    const records = await Promise.all(names.map((name) => readRecord<T>(join(dir, name))));
    return records.filter((record) => record !== undefined);
  };
  return {
    pulled: (imageRef) => ready.then(() => readRecord<PulledRecord>(pulledFile(imageRef))),
    addPulled: (imageRef, repository, credentials) =>
      inTurn(async () => {
        const before = await readRecord<PulledRecord>(pulledFile(imageRef));
        const mapping = merged(before?.credentialMapping ?? {}, repository, credentials);
        if (before && mapping === before.credentialMapping) return;
        const lastUpdatedTime = rfc3339(nowMs());
        const record = { kind: 'ImagePulledRecord', apiVersion, lastUpdatedTime, imageRef, credentialMapping: mapping };
        await write(pulledFile(imageRef), record);
      }),
    isPulling: async (image) => pulling.has(image) || (await readRecord(pullingFile(image))) !== undefined,
    beginPull: (image) =>
      inTurn(async () => {
        await write(pullingFile(image), { kind: 'ImagePullIntent', apiVersion, image });
        pulling.set(image, (pulling.get(image) ?? 0) + 1);
      }),
    endPull: (image) =>
      inTurn(async () => {
        const left = (pulling.get(image) ?? 1) - 1;
        if (left > 0) return void pulling.set(image, left);
        pulling.delete(image);
        await rm(pullingFile(image), { force: true });
      }),
    unfinished: async () => (await readAll<{ image: string }>(pullingDir)).map(({ image }) => image),
    retain: (imageRefs) =>
      inTurn(async () => {
        for (const { imageRef } of await readAll<PulledRecord>(pulledDir))
          if (!imageRefs.has(imageRef)) await rm(pulledFile(imageRef), { force: true });
      }),
  };
}

const fileName = (text: string) => `sha256-${createHash('sha256').update(text).digest('hex')}`;

/** Undefined where there is none, or none that can be read: then it is as if nothing were known. */
async function readRecord<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

type Mapping = PulledRecord['credentialMapping'];

/** The same object when nothing is new. */
function merged(before: Mapping, repository: string, added: PullCredentials | undefined): Mapping {
  const { kubernetesSecrets = [], kubernetesServiceAccounts = [], nodePodsAccessible } = added ?? {};
  const known = Object.hasOwn(before, repository) ? before[repository] : undefined;
  if (!added || known?.nodePodsAccessible) return before;
  if (nodePodsAccessible) return { ...before, [repository]: { nodePodsAccessible } };
  if (kubernetesSecrets.length + kubernetesServiceAccounts.length === 0) return before;
  const secrets = union(known?.kubernetesSecrets ?? [], kubernetesSecrets);
  const accounts = union(known?.kubernetesServiceAccounts ?? [], kubernetesServiceAccounts);
  const isSame =
    known &&
    JSON.stringify([secrets, accounts]) ===
      JSON.stringify([known.kubernetesSecrets ?? [], known.kubernetesServiceAccounts ?? []]);
  if (isSame) return before;
  return {
    ...before,
    [repository]: {
      ...(secrets.length > 0 ? { kubernetesSecrets: secrets } : {}),
      ...(accounts.length > 0 ? { kubernetesServiceAccounts: accounts } : {}),
    },
  };
}

/** By namespace, name and uid, in that order; the later one counts. */
function union<T extends ObjectCoordinates>(before: readonly T[], added: readonly T[]): T[] {
  const byPlace = new Map([...before, ...added].map((each) => [`${each.namespace}/${each.name}/${each.uid}`, each]));
  return [...byPlace].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}
