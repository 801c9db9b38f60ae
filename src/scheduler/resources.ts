// Amounts of resources as plain numbers: CPU in thousandths, everything else in whole units (bytes, counts).
import type { Container, Pod } from '../../generated/core-v1.ts';
import { millisOf, unitsOf } from '../api/meta/quantity.ts';

/** By resource name; `cpu` in millicores. Absent means none. */
export type Amounts = Map<string, number>;

type Quantities = Readonly<Record<string, string>> | undefined;

export function amountsOf(quantities: Quantities): Amounts {
  const amounts: Amounts = new Map();
  for (const [name, value] of Object.entries(quantities ?? {})) {
    amounts.set(name, name === 'cpu' ? millisOf(value) : unitsOf(value));
  }
  return amounts;
}

export function addAmounts(into: Amounts, more: Amounts, sign: 1 | -1 = 1): void {
  for (const [name, amount] of more) into.set(name, (into.get(name) ?? 0) + sign * amount);
}

function raiseAmounts(into: Amounts, floor: Amounts): void {
  for (const [name, amount] of floor) into.set(name, Math.max(into.get(name) ?? 0, amount));
}

/** What scoring counts for a container that asks for nothing, so that such pods spread too. */
const assumed: readonly [string, number][] = [
  ['cpu', 100],
  ['memory', 200 * 1024 * 1024],
];

type Requests = (container: Container) => Amounts;

const asked: Requests = (container) => amountsOf(container.resources?.requests);

const allowed: Requests = (container) => amountsOf(container.resources?.limits);

const askedOrAssumed: Requests = (container) => {
  const amounts = asked(container);
  for (const [name, amount] of assumed) if (!amounts.has(name)) amounts.set(name, amount);
  return amounts;
};

/**
 * What a pod needs at its hungriest: all app containers and sidecars together, or one init container beside the
 * sidecars started before it, plus the pod's overhead.
 */
function totalOf(pod: Pod, requests: Requests, ofPod = pod.spec.resources?.requests): Amounts {
  const total: Amounts = new Map();
  for (const container of pod.spec.containers) addAmounts(total, requests(container));
  const sidecars: Amounts = new Map();
  const peak: Amounts = new Map();
  for (const container of pod.spec.initContainers ?? []) {
    const amounts = requests(container);
    const isSidecar = container.restartPolicy === 'Always';
    if (isSidecar) {
      addAmounts(total, amounts);
      addAmounts(sidecars, amounts);
      raiseAmounts(peak, sidecars);
    } else {
      addAmounts(amounts, sidecars);
      raiseAmounts(peak, amounts);
    }
  }
  raiseAmounts(total, peak);
  // Said for the pod as a whole, it replaces what the containers say.
  for (const [name, amount] of amountsOf(ofPod)) total.set(name, amount);
  addAmounts(total, amountsOf(pod.spec.overhead));
  return total;
}

export const podRequests = (pod: Pod): Amounts => totalOf(pod, asked);
export const podScoringRequests = (pod: Pod): Amounts => totalOf(pod, askedOrAssumed);
export const podLimits = (pod: Pod): Amounts => totalOf(pod, allowed, pod.spec.resources?.limits ?? {});
