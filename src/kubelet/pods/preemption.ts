// Room for a pod that the node does not go on without: which others have to go, as few and as small as will do.
import type { Pod } from '../../../generated/core-v1.ts';
import { podResources } from '../../api/core/effective-resources.ts';
import { Quantity, quantityOf } from '../../api/meta/quantity.ts';
import { qosClassOf } from '../resources.ts';
import type { NodeRoom } from './admission.ts';
import { isCriticalPod, type PodEnding } from './pod-ending.ts';

export const preemptionEnding: PodEnding = {
  reason: 'Preempting',
  message: 'Preempted in order to admit critical pod',
  disruption: 'Pod was preempted by Kubelet to accommodate a critical pod.',
};

/** Amounts by resource: thousandths of CPU, units of all else. */
type Amounts = ReadonlyMap<string, number>;

/** What the node lacks for `pod` beside the others; empty when there is room. */
export function shortages(pod: Pod, others: readonly Pod[], { allocatable }: NodeRoom): Amounts {
  const lacking = new Map<string, number>();
  for (const [name, asked] of wanted(pod)) {
    const capacity = allocatable[name];
    if (capacity === undefined || asked.isZero) continue;
    const used = others.reduce((sum, other) => sum.plus(wanted(other).get(name) ?? Quantity.zero), Quantity.zero);
    const over = used.plus(asked).minus(quantityOf(capacity));
    if (over.sign > 0) lacking.set(name, amountOf(name, over));
  }
  return lacking;
}

/** @throws in upstream's words when all of them together would not do. */
export function victimsFor(pod: Pod, others: readonly Pod[], lacking: Amounts): Pod[] {
  const candidates = others.filter((other) => mayPreempt(pod, other));
  const of = (qos: string) => candidates.filter(({ spec }) => qosClassOf(spec) === qos);
  const [bestEffort, burstable, guaranteed] = [of('BestEffort'), of('Burstable'), of('Guaranteed')];
  refuseUnless(lacking, candidates);
  // Of the better classes only those without whom all of the lower ones would not do.
  const fromGuaranteed = nearest(guaranteed, without(lacking, [...bestEffort, ...burstable]));
  const fromBurstable = nearest(burstable, without(lacking, [...bestEffort, ...fromGuaranteed]));
  const fromBestEffort = nearest(bestEffort, without(lacking, [...fromBurstable, ...fromGuaranteed]));
  return [...fromBestEffort, ...fromBurstable, ...fromGuaranteed];
}

function mayPreempt(pod: Pod, other: Pod): boolean {
  if (isCriticalPod(pod) && !isCriticalPod(other)) return true;
  const [mine, theirs] = [pod.spec.priority, other.spec.priority];
  return mine !== undefined && theirs !== undefined && mine > theirs;
}

function wanted(pod: Pod): Map<string, Quantity> {
  return new Map([['pods', Quantity.ofUnits(1)], ...podResources(pod.spec, 'requests')]);
}

const amountOf = (name: string, amount: Quantity): number => Number(name === 'cpu' ? amount.millis : amount.units);
const given = (pod: Pod, name: string): number => amountOf(name, wanted(pod).get(name) ?? Quantity.zero);

/** What is lacking still when these have gone. */
function without(lacking: Amounts, gone: readonly Pod[]): Amounts {
  const left = [...lacking].map(([name, amount]): [string, number] => [
    name,
    gone.reduce((rest, pod) => rest - given(pod, name), amount),
  ]);
  return new Map(left.filter(([, amount]) => amount > 0));
}

/** Again and again the one that brings most of what is lacking; of equal ones the smaller. */
function nearest(pods: readonly Pod[], lacking: Amounts): Pod[] {
  const chosen: Pod[] = [];
  let left = lacking;
  while (left.size > 0) {
    const rest = pods.filter((pod) => !chosen.includes(pod));
    refuseUnless(left, rest);
    const distance = (pod: Pod) =>
      [...left].reduce((sum, [name, amount]) => sum + (Math.max(0, amount - given(pod, name)) / amount) ** 2, 0);
    const size = (pod: Pod) => [given(pod, 'memory'), given(pod, 'cpu')] as const;
    const [best] = rest.sort((a, b) => {
      const [[memoryA, cpuA], [memoryB, cpuB]] = [size(a), size(b)];
      return distance(a) - distance(b) || memoryA - memoryB || cpuA - cpuB;
    });
    chosen.push(best!);
    left = without(left, [best!]);
  }
  return chosen;
}

function refuseUnless(lacking: Amounts, enough: readonly Pod[]): void {
  const left = without(lacking, enough);
  if (left.size === 0) return;
  const list = [...left].map(([name, amount]) => `(res: ${name}, q: ${amount}), `).join('');
  throw new Error(
    `preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [${list}]`,
  );
}
