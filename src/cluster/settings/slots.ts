// Clusters side by side on one machine must not share address ranges or ports. Each takes a numbered slot, kept under
// /run so that a reboot frees them all; the ranges follow from the number.
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
  for (let slot = 0; slot < slotCount; slot++) if (readOwner(slot) === dataDir) return slot;
  for (let slot = 0; slot < slotCount; slot++) {
    const owner = readOwner(slot);
    // A cluster whose data is gone was deleted by hand: its slot is free again.
    if (owner !== undefined && !existsSync(join(owner, 'cluster.json'))) rmSync(slotFile(slot), { force: true });
    try {
      writeFileSync(slotFile(slot), `${dataDir}\n`, { flag: 'wx' });
      return slot;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  throw new UserFailure(
    exitCodes.conflict,
    'E_TOO_MANY_CLUSTERS',
    `${slotCount} clusters are on this machine already`,
    'delete one: coracle delete --name NAME',
  );
}

export function releaseSlot(dataDir: string): void {
  for (let slot = 0; slot < slotCount; slot++) if (readOwner(slot) === dataDir) rmSync(slotFile(slot), { force: true });
  try {
    rmdirSync(slotsDir);
  } catch {
    // others hold slots, or it never was
  }
}

const slotFile = (slot: number) => join(slotsDir, `slot-${slot}`);

function readOwner(slot: number): string | undefined {
  try {
    return readFileSync(slotFile(slot), 'utf8').trim();
  } catch {
    return undefined;
  }
}
