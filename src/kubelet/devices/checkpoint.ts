// The file in which upstream's agent keeps what it has given away; programs that look at devices read it, so it has the same form.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decode, encode } from '../grpc/proto.ts';
import type { Allocation } from './allocations.ts';
import { allocateResponseType } from './device-proto.ts';

const fileName = 'kubelet_internal_checkpoint';

interface Entry {
  readonly PodUID: string;
  readonly ContainerName: string;
  readonly ResourceName: string;
  readonly DeviceIDs: Readonly<Record<string, readonly string[]>>;
  readonly AllocResp: string;
}

interface Data {
  readonly PodDeviceEntries: readonly Entry[] | null;
  readonly RegisteredDevices: Readonly<Record<string, readonly string[]>>;
}

export interface Checkpoint {
  readonly allocations: readonly Allocation[];
  /** Resources that plugins had announced. */
  readonly resources: readonly string[];
}

/** Nothing, when there is no file or it is damaged; `problem` says so in the second case. */
export async function readCheckpoint(folder: string): Promise<Checkpoint & { readonly problem?: string }> {
  const nothing = { allocations: [], resources: [] };
  const text = await readFile(join(folder, fileName), 'utf8').catch(() => undefined);
  if (text === undefined) return nothing;
  try {
    const { Data: data, Checksum } = JSON.parse(text) as { Data: Data; Checksum: number };
    if (Checksum !== checksum(data)) return { ...nothing, problem: 'checkpoint is corrupted' };
    return {
      allocations: (data.PodDeviceEntries ?? []).map(allocationOf),
      resources: Object.keys(data.RegisteredDevices),
    };
  } catch (error) {
    return { ...nothing, problem: String(error) };
  }
}

/** Replaces the file in one step. */
export async function writeCheckpoint(
  folder: string,
  allocations: readonly Allocation[],
  registered: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const data: Data = {
    PodDeviceEntries: allocations.length > 0 ? allocations.map(entryOf) : null,
    RegisteredDevices: Object.fromEntries(registered),
  };
  const path = join(folder, fileName);
  await writeFile(`${path}.new`, JSON.stringify({ Data: data, Checksum: checksum(data) }), {
    mode: 0o600,
    flush: true,
  });
  await rename(`${path}.new`, path);
}

function entryOf({ podUid, container, resource, byNumaNode, response }: Allocation): Entry {
  return {
    PodUID: podUid,
    ContainerName: container,
    ResourceName: resource,
    DeviceIDs: Object.fromEntries(byNumaNode),
    AllocResp: encode(allocateResponseType, response).toString('base64'),
  };
}

function allocationOf(entry: Entry): Allocation {
  const byNumaNode = new Map(Object.entries(entry.DeviceIDs).map(([node, ids]) => [Number(node), ids]));
  return {
    podUid: entry.PodUID,
    container: entry.ContainerName,
    resource: entry.ResourceName,
    ids: new Set([...byNumaNode.values()].flat()),
    byNumaNode,
    response: decode(allocateResponseType, Buffer.from(entry.AllocResp, 'base64')),
  };
}

/** FNV-1a of 32 bits. */
function checksum(data: Data): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(JSON.stringify(data))) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
