// Ranges of user IDs for pods with users of their own: root in the pod is nobody on the node.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Pod } from '../../../generated/core-v1.ts';
import type { UserNamespace } from '../runtime/runtime.ts';

/** IDs a pod has. */
const rangeLength = 65_536;
const rangesOfNode = 1_024;
/** Where nodes may begin: several live on a machine, and their pods should not share users. */
const places = 60;

export interface UserNamespaces {
  /** The same for a pod each time, also after a restart of the agent. @throws when the runtime cannot do it */
  of(pod: Pod): Promise<UserNamespace | undefined>;
  release(podUid: string): void;
}

export interface UserNamespacesOptions {
  /** Of the node: what it is decides where its ranges begin. */
  readonly dataDir: string;
  readonly podDir: (podUid: string) => string;
  /** The runtime's name for a RuntimeClass. */
  readonly handlerOf: (runtimeClass: string) => Promise<string>;
  readonly isSupported: (handler: string) => Promise<boolean>;
}

interface Mapping {
  readonly hostId: number;
  readonly containerId: number;
  readonly length: number;
}

/** Undefined where no range was kept, or the file was cut short: the pod gets another one. */
async function readFirstId(file: string): Promise<number | undefined> {
  try {
    return (JSON.parse(await readFile(file, 'utf8')) as { uidMappings: Mapping[] }).uidMappings[0]?.hostId;
  } catch {
    return undefined;
  }
}

/** The first ID of each range that a pod of the folder has, and the pod's uid. */
async function keptRanges(podsDir: string): Promise<Map<number, string>> {
  const ranges = new Map<number, string>();
  for (const uid of await readdir(podsDir).catch(() => [])) {
    const id = await readFirstId(join(podsDir, uid, 'userns'));
    if (id !== undefined) ranges.set(id, uid);
  }
  return ranges;
}

export function createUserNamespaces({
  dataDir,
  podDir,
  handlerOf,
  isSupported,
}: UserNamespacesOptions): UserNamespaces {
  const place = createHash('sha256').update(dataDir).digest().readUInt32BE(0) % places;
  const firstId = rangeLength * (1 + place * rangesOfNode);
  const taken = new Map<number, string>();
  const byPod = new Map<string, Promise<number>>();
  const find = async (podUid: string): Promise<number> => {
    const file = join(podDir(podUid), 'userns');
    const kept = await readFirstId(file);
    // Pods that run since before the agent started have not all been looked at: their files say what is theirs.
    const others = kept === undefined ? await keptRanges(dirname(podDir(podUid))) : new Map<number, string>();
    const isFree = (id: number) => [taken.get(id), others.get(id)].every((owner) => (owner ?? podUid) === podUid);
    const all = Array.from({ length: rangesOfNode }, (_, index) => firstId + index * rangeLength);
    const hostId = kept !== undefined && isFree(kept) ? kept : all.find(isFree);
    if (hostId === undefined) throw new Error('create user namespace: no range of IDs is left on this node');
    taken.set(hostId, podUid);
    if (hostId === kept) return hostId;
    const mapping: Mapping[] = [{ hostId, containerId: 0, length: rangeLength }];
    await mkdir(podDir(podUid), { recursive: true });
    await writeFile(`${file}.new`, JSON.stringify({ uidMappings: mapping, gidMappings: mapping }), { flush: true });
    await rename(`${file}.new`, file);
    return hostId;
  };
  return {
    async of({ metadata, spec }) {
      if (spec.hostUsers !== false) return undefined;
      const handler = spec.runtimeClassName ? await handlerOf(spec.runtimeClassName) : '';
      if (!(await isSupported(handler))) {
        const who = handler ? `RuntimeClass handler "${handler}"` : 'runtime';
        throw new Error(`can't set \`spec.hostUsers: false\`, ${who} does not support user namespaces`);
      }
      const uid = metadata.uid!;
      const found = byPod.get(uid) ?? find(uid);
      byPod.set(uid, found);
      try {
        const mapping = [{ hostId: await found, containerId: 0, length: rangeLength }];
        return { mode: 'POD', uids: mapping, gids: mapping };
      } catch (error) {
        byPod.delete(uid);
        throw error;
      }
    },
    release(podUid) {
      byPod.delete(podUid);
      for (const [id, owner] of taken) if (owner === podUid) taken.delete(id);
    },
  };
}
