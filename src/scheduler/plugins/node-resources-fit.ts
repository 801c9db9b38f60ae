import { mayBeOfClass } from '../devices/extended.ts';
import type { NodeView } from '../node-cache.ts';
import { podsColumn, type ResourceColumns } from '../node-columns.ts';
import { accepted, type Filter, type Refusal, type Score, type Snapshot } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';

/** Room for what the pod requests, and for one pod more. */
export const nodeResourcesFit: Filter = {
  name: 'NodeResourcesFit',
  keeps: 'room',
  wokenBy: ['node-added', 'node-room', 'pod-gone', 'devices'],
  // A node that is too small for the pod when it is empty is none to wait for.
  helps({ requests }, { type, node }, { cache: { columns }, devices }) {
    if (type === 'devices') return [...requests.keys()].some(mayBeOfClass);
    const fits = ([name, amount]: [string, number]) => {
      const allocatable = columns.allocatable[columns.column(name)]![node!.row]!;
      return amount <= allocatable || (allocatable === 0 && isOfClass(name, devices));
    };
    return !node || [...requests].every(fits);
  },
  prepare({ requests }, { cache: { columns }, devices }) {
    const asked = [...requests].filter(([, amount]) => amount > 0);
    const wanted = asked.map(([name, amount]) => ({
      name,
      amount,
      column: columns.column(name),
      isOfClass: isOfClass(name, devices),
    }));
    const pods = columns.column(podsColumn);
    const fits = ({ row }: NodeView) => {
      if (columns.requested[pods]![row]! >= columns.allocatable[pods]![row]!) return false;
      for (const { amount, column, isOfClass: isElsewhere } of wanted) {
        if (isElsewhere && columns.allocatable[column]![row] === 0) continue;
        if (amount > columns.allocatable[column]![row]! - columns.requested[column]![row]!) return false;
      }
      return true;
    };
    return (node) => (fits(node) ? accepted : shortages(node, wanted, columns));
  },
};

/** Devices see to it, where a node does not have it itself. */
const isOfClass = (name: string, devices: Snapshot['devices']) =>
  devices !== undefined && mayBeOfClass(name) && devices.resources.find(name) !== undefined;

interface Wanted {
  readonly name: string;
  readonly amount: number;
  readonly column: number;
  readonly isOfClass: boolean;
}

function shortages({ row }: NodeView, wanted: readonly Wanted[], columns: ResourceColumns): Refusal[] {
  const refusals: Refusal[] = [];
  const pods = columns.column(podsColumn);
  if (columns.requested[pods]![row]! >= columns.allocatable[pods]![row]!) {
    refusals.push({ reason: 'Too many pods', isFinal: false });
  }
  for (const { name, amount, column, isOfClass: isElsewhere } of wanted) {
    const allocatable = columns.allocatable[column]![row]!;
    if (isElsewhere && allocatable === 0) continue;
    if (amount <= allocatable - columns.requested[column]![row]!) continue;
    refusals.push({ reason: `Insufficient ${name}`, isFinal: amount > allocatable });
  }
  return refusals;
}

/** Whole percents of what a node has, left over when the pod is there as well. */
function leftOver(allocatable: number, requested: number): number {
  return requested > allocatable ? 0 : Math.floor(((allocatable - requested) * 100) / allocatable);
}

/** Prefers nodes with the most left over. */
export const leastAllocated: Score = {
  name: 'NodeResourcesFit',
  weight: 1,
  keeps: 'room',
  prepare({ scoringRequests }, { cache: { columns } }) {
    const cpu = scoringRequests.get('cpu') ?? 0;
    const memory = scoringRequests.get('memory') ?? 0;
    const [cpuColumn, memoryColumn] = [columns.column('cpu'), columns.column('memory')];
    return {
      of({ row }) {
        const allCpu = columns.allocatable[cpuColumn]![row]!;
        const allMemory = columns.allocatable[memoryColumn]![row]!;
        let sum = 0;
        let count = 0;
        if (allCpu > 0) {
          sum += leftOver(allCpu, columns.scoringCpu[row]! + cpu);
          count++;
        }
        if (allMemory > 0) {
          sum += leftOver(allMemory, columns.scoringMemory[row]! + memory);
          count++;
        }
        return count > 0 ? Math.floor(sum / count) : 0;
      },
    };
  },
};

/** 100 when CPU and memory are used to the same degree; a node without one of the two is in balance. */
function balance(cpu: number, allCpu: number, memory: number, allMemory: number): number {
  if (allCpu === 0 || allMemory === 0) return 100;
  const distance = Math.abs(Math.min(cpu / allCpu, 1) - Math.min(memory / allMemory, 1));
  return Math.trunc((1 - distance / 2) * 100);
}

const requestOf = (pod: PodView, name: string) => pod.requests.get(name) ?? 0;

/** Prefers nodes that the pod brings nearer to using CPU and memory to the same degree. */
export const balancedAllocation: Score = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  keeps: 'room',
  prepare(pod, { cache: { columns } }) {
    const [cpu, memory] = [requestOf(pod, 'cpu'), requestOf(pod, 'memory')];
    if (cpu + memory === 0) return undefined;
    const [cpuColumn, memoryColumn] = [columns.column('cpu'), columns.column('memory')];
    return {
      of({ row }) {
        const allCpu = columns.allocatable[cpuColumn]![row]!;
        const allMemory = columns.allocatable[memoryColumn]![row]!;
        const usedCpu = columns.requested[cpuColumn]![row]!;
        const usedMemory = columns.requested[memoryColumn]![row]!;
        const before = balance(usedCpu, allCpu, usedMemory, allMemory);
        const after = balance(usedCpu + cpu, allCpu, usedMemory + memory, allMemory);
        return 50 + Math.trunc((50 + after - before) / 2);
      },
    };
  },
};
