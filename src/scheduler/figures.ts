// What the figures are read from when somebody asks.
import type { Pod } from '../../generated/core-v1.ts';
import type { Lister } from '../reconcile/informer.ts';
import type { ClaimGate } from './devices/claim-gate.ts';
import type { SchedulerState } from './metrics.ts';
import type { Snapshot } from './plugin.ts';
import type { SchedulingQueue } from './queue.ts';

export interface FigureParts {
  readonly queue: SchedulingQueue;
  readonly gate: ClaimGate;
  readonly pods: Lister<Pod>;
  readonly snapshot: Snapshot;
  /** Pods on their way to a node. */
  binding(): number;
}

const hasGate = ({ spec }: Pod) => !spec.nodeName && (spec.schedulingGates?.length ?? 0) > 0;

export function figuresOf({ queue, gate, pods, snapshot, binding }: FigureParts): SchedulerState {
  return {
    pending: () => ({ ...queue.counts(), gated: pods.list().filter(hasGate).length + gate.outside }),
    cache: () => ({
      nodes: snapshot.nodes.length,
      pods: snapshot.nodes.reduce((sum, node) => sum + node.pods.size, 0),
      assumed: binding(),
    }),
    unschedulable: () => countRefused(queue),
    get pods() {
      return pods.list();
    },
  };
}

/** By plugin and profile. */
function countRefused(queue: SchedulingQueue) {
  const counts = new Map<string, { plugin: string; profile: string; count: number }>();
  for (const { view, refusedBy } of queue.refused()) {
    const profile = view.pod.spec.schedulerName ?? '';
    for (const { name: plugin } of refusedBy) {
      const entry = counts.get(`${plugin}/${profile}`) ?? { plugin, profile, count: 0 };
      entry.count++;
      counts.set(`${plugin}/${profile}`, entry);
    }
  }
  return counts.values();
}
