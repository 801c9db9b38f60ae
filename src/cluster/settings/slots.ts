// Clusters side by side on one machine must not share address ranges or ports. Each takes a numbered slot, kept under
// /run so that a reboot frees them all; the ranges follow from the number.
import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isAbandoned, ownerOf, writeClaim } from '../../base/claim-file.ts';
import { exitCodes, UserFailure } from '../failure.ts';

const slotsDir = '/run/coracle';
const slotCount = 32;

export interface Ranges {
  readonly podCidr: string;
  readonly serviceCidr: string;
  /** Addresses of load balancers, and those of IPv6 for clusters that have it. */
  readonly loadBalancerRange: string;
  readonly loadBalancerRange6: string;
}

/** Slot 0 has the well-known ranges; the others count down and up from them. */
export function rangesOfSlot(slot: number): Ranges {
  return {
    podCidr: `10.${244 - slot}.0.0/16`,
    serviceCidr: `10.${96 + slot}.0.0/16`,
    // Of the ranges set aside for measuring networks: no network that people use has them.
    loadBalancerRange: `198.18.${slot}.0/24`,
    loadBalancerRange6: `2001:2:0:${slot.toString(16)}::/120`,
  };
}

/** The slot this data directory holds, taking the first free one when it holds none. Root only. */
export function claimSlot(dataDir: string): number {
  mkdirSync(slotsDir, { recursive: true, mode: 0o755 });
  for (let slot = 0; slot < slotCount; slot++) if (ownerOf(slotFile(slot)) === dataDir) return slot;
  for (let slot = 0; slot < slotCount; slot++) {
    const file = slotFile(slot);
    // A cluster whose data is gone was deleted by hand: its slot is free again.
    if (isAbandoned(file, settingsOf)) rmSync(file, { force: true });
    if (writeClaim(file, dataDir, { isNew: true })) return slot;
  }
  throw new UserFailure(
    exitCodes.conflict,
    'E_TOO_MANY_CLUSTERS',
    `${slotCount} clusters are on this machine already`,
    'delete one: coracle delete --name NAME',
  );
}

export function releaseSlot(dataDir: string): void {
  const files = Array.from({ length: slotCount }, (_, slot) => slotFile(slot));
  for (const file of files) if (ownerOf(file) === dataDir) rmSync(file, { force: true });
  try {
    rmdirSync(slotsDir);
  } catch {
    // others hold slots, or it never was
  }
}

const slotFile = (slot: number) => join(slotsDir, `slot-${slot}`);
const settingsOf = (dataDir: string) => join(dataDir, 'cluster.json');
