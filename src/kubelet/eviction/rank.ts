// Who has to go first: those that use more than they asked for, then by priority, then by how much they are over.
import type { Pod } from '../../../generated/core-v1.ts';
import { podResources } from '../../api/core/effective-resources.ts';
import type { PodUsage } from './pod-usage.ts';
import { resourceOf, type Signal, type StarvedResource } from './thresholds.ts';

export type UsageOf = (pod: Pod) => PodUsage | undefined;

type Compare = (a: Pod, b: Pod) => number;

/** First to go first. Where images have a disk of their own, each disk counts what lies on it. */
export function rankPods(
  pods: readonly Pod[],
  signal: Signal,
  usageOf: UsageOf,
  hasOwnImageDisk: boolean | undefined = false,
): Pod[] {
  const resource = resourceOf(signal);
  const part = !hasOwnImageDisk ? 'all' : signal.startsWith('nodefs.') ? 'files' : 'layers';
  const amount = (usage: PodUsage) => amountOf(usage, resource, part);
  const excess = (pod: Pod, usage: PodUsage) => amount(usage) - requestOf(pod, resource);
  const known =
    (compare: (a: PodUsage, b: PodUsage, podA: Pod, podB: Pod) => number): Compare =>
    (a, b) => {
      const [one, other] = [usageOf(a), usageOf(b)];
      // Of those nobody knows, the worst is believed.
      if (!one || !other) return Number(Boolean(one)) - Number(Boolean(other));
      return compare(one, other, a, b);
    };
  const byExceeding = known((one, other, a, b) => Number(excess(b, other) > 0) - Number(excess(a, one) > 0));
  const byPriority: Compare = (a, b) => (a.spec.priority ?? 0) - (b.spec.priority ?? 0);
  const byExcess = known((one, other, a, b) => excess(b, other) - excess(a, one));
  const byCount = known((one, other) => other.processes - one.processes);
  const order = resource === 'pids' ? [byPriority, byCount] : [byExceeding, byPriority, byExcess];
  return [...pods].sort((a, b) => order.reduce((result, compare) => result || compare(a, b), 0));
}

/** Of a pod on disks: logs and volumes, layers over images, or both. */
type Part = 'files' | 'layers' | 'all';

function amountOf(usage: PodUsage, resource: StarvedResource, part: Part): number {
  if (resource === 'memory') return usage.memoryBytes;
  const isOfInodes = resource === 'inodes';
  const all = isOfInodes ? usage.inodes : usage.diskBytes;
  if (part === 'all') return all;
  const layers = usage.containers.reduce((sum, each) => sum + (isOfInodes ? each.rootInodes : each.rootBytes), 0);
  return part === 'layers' ? layers : all - layers;
}

/** Nobody asks for inodes. */
function requestOf({ spec }: Pod, resource: StarvedResource): number {
  if (resource !== 'memory' && resource !== 'ephemeral-storage') return 0;
  return Number(podResources(spec, 'requests').get(resource)?.units ?? 0);
}
