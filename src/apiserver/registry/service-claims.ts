// What a Service holds, as keys of the store beside it: an address or a port has one key, made and deleted in the commit of
// its Service. Two servers on one store cannot give out the same number, whatever each of them has seen.
import type { Service } from '../../../generated/core-v1.ts';
import type { Logger } from '../../base/log.ts';
import { CompareFailedError, type Store, type Write } from '../../store/store.ts';
import { clusterIpsOf, nodePortsOf } from './service-families.ts';
import { allocationRoot } from './storage-key.ts';

/** Somebody else was given the number in the same moment. */
export class AllocationTakenError extends CompareFailedError {
  constructor(key: string) {
    super(key, undefined);
    this.name = 'AllocationTakenError';
  }
}

function claimsOf(service: Service | undefined): Set<string> {
  if (!service) return new Set();
  const addresses = clusterIpsOf(service).map((ip) => `${allocationRoot}serviceips/${ip}`);
  const ports = nodePortsOf(service).map((port) => `${allocationRoot}servicenodeports/${port}`);
  return new Set([...addresses, ...ports]);
}

/** To be committed together with the Service. */
export function claimWrites(before: Service | undefined, after: Service | undefined): Write[] {
  const [had, has] = [claimsOf(before), claimsOf(after)];
  const value = Buffer.from(JSON.stringify({ holder: `${after?.metadata.namespace}/${after?.metadata.name}` }));
  const taken = [...has].filter((key) => !had.has(key)).map((key): Write => ({ key, value, ifRevision: 0 }));
  const given = [...had].filter((key) => !has.has(key)).map((key): Write => ({ key }));
  return [...taken, ...given];
}

/** A lost race about a number is told apart from one about the object itself. */
export function claimError(error: unknown): unknown {
  const isClaim = error instanceof CompareFailedError && error.message.includes(allocationRoot);
  return isClaim ? new AllocationTakenError(error.message.slice(error.message.indexOf(allocationRoot))) : error;
}

/** Once at the start: Services of a store that had no such keys get theirs, and keys that no Service holds go. */
export async function mendClaims(
  store: Store,
  services: readonly Service[],
  revision: number,
  log: Logger,
): Promise<void> {
  const { items } = await store.range({ prefix: allocationRoot, revision });
  const held = new Map(services.flatMap((service) => [...claimsOf(service)].map((key) => [key, service] as const)));
  const found = new Set(items.map(({ key }) => key));
  const writes: Write[] = [];
  for (const [key, service] of held) {
    if (!found.has(key)) writes.push(...claimWrites(undefined, service).filter((write) => write.key === key));
  }
  for (const { key, modRevision } of items) if (!held.has(key)) writes.push({ key, ifRevision: modRevision });
  const outcomes = await Promise.allSettled(writes.map((write) => store.commit([write])));
  const mended = outcomes.filter(({ status }) => status === 'fulfilled').length;
  if (mended > 0) log.info('addresses and ports of Services were put right', { mended });
}
