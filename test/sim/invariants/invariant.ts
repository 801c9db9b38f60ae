// What an invariant is given, and what several of them ask of objects.
import type { Change, Ledger, StoredObject } from '../ledger.ts';

export interface Watchtower {
  readonly ledger: Ledger;
  readonly nowMs: () => number;
  /** The moment since which the controllers may not have noticed a change of these. */
  readonly unseenSinceMs: (...resources: string[]) => number;
  /** Writes carried out for this owner whose answers were lost since then: they may be asked for again. */
  readonly lostFor: (ownerUid: string) => number;
  readonly fail: (problem: string) => void;
}

/** Told every change, after the ledger has it. */
export type Invariant = (tower: Watchtower) => (change: Change) => void;

export const ownerOf = (object: StoredObject | undefined) =>
  object?.metadata.ownerReferences?.find(({ controller }) => controller);
export const isGoing = (object: StoredObject): boolean => object.metadata.deletionTimestamp !== undefined;
export const isOver = (pod: StoredObject): boolean => ['Succeeded', 'Failed'].includes(pod['status']?.phase);
export const isActivePod = (pod: StoredObject): boolean => !isGoing(pod) && !isOver(pod);
