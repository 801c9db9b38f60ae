// What must hold after every single write, whatever goes wrong. A controller that acts on what it has not been told yet
// is not at fault: each bound is the loosest since the moment up to which the controllers had seen everything.

import { daemonCounts } from './invariants/daemon-counts.ts';
import type { Invariant, Watchtower } from './invariants/invariant.ts';
import { jobCounts } from './invariants/job-counts.ts';
import { keptBudgets } from './invariants/kept-budgets.ts';
import { keptQuotas } from './invariants/kept-quotas.ts';
import { nodeCapacity } from './invariants/node-capacity.ts';
import { replicaCounts } from './invariants/replica-counts.ts';
import { rolloutCounts } from './invariants/rollout-counts.ts';
import { statefulNames } from './invariants/stateful-names.ts';
import type { World } from './world.ts';

const all: readonly Invariant[] = [
  replicaCounts,
  rolloutCounts,
  statefulNames,
  daemonCounts,
  jobCounts,
  nodeCapacity,
  keptBudgets,
  keptQuotas,
];

/** A reconcile may have begun this long before its write, in fair weather. */
const workMs = 20_000;
/** How many requests one after the other a reconcile may make before its last. */
const chainLength = 12;
const lostMemoryMs = 6 * 60_000;

export function watchOver(world: World, lost: readonly LostWrite[], fail: (problem: string) => void): void {
  const slowestMs = () => (world.member('controllers').weather.delayMs > 0 ? 10_000 : 0);
  let slowUntilMs = 0;
  const tower: Watchtower = {
    ledger: world.ledger,
    nowMs: () => world.clock.monotonicMs(),
    unseenSinceMs: (...resources) => {
      const nowMs = world.clock.monotonicMs();
      const { link } = world.member('controllers');
      if (slowestMs() > 0) slowUntilMs = nowMs + chainLength * 10_000;
      const workedMs = nowMs < slowUntilMs ? chainLength * 10_000 : workMs;
      const known = resources.map((resource) => link?.knownUntilMs(resource) ?? 0);
      const knew = resources.map((resource) => link?.knewUntilMs(resource, nowMs - workedMs) ?? 0);
      return Math.min(Math.min(nowMs, ...known) - workedMs, ...knew);
    },
    lostFor: (ownerUid) =>
      lost.filter(({ atMs, owner }) => owner === ownerUid && world.clock.monotonicMs() - atMs < lostMemoryMs).length,
    fail,
  };
  for (const invariant of all) world.ledger.onChange(invariant(tower));
}

export interface LostWrite {
  readonly atMs: number;
  /** Uid of the controller that the object names. */
  readonly owner: string | undefined;
}
