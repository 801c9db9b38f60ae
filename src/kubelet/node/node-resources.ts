// What the node has, what of it pods may have, and what the kernel holds all pods to together.
import { Quantity, quantityOf } from '../../api/meta/quantity.ts';
import type { PodsLimit } from '../cgroups/cgroup-tree.ts';
import { cpuCount } from '../cgroups/cpu-set.ts';
import type { KubeletConfiguration } from '../config/types.ts';
import { amountOf, isHard, parseThresholds } from '../eviction/thresholds.ts';
import type { Machine } from './node-facts.ts';

export interface NodeResources {
  readonly capacity: Record<string, string>;
  readonly allocatable: Record<string, string>;
}

type Settings = Pick<
  KubeletConfiguration,
  | 'maxPods'
  | 'podsPerCore'
  | 'systemReserved'
  | 'kubeReserved'
  | 'reservedSystemCpus'
  | 'enforceNodeAllocatable'
  | 'evictionHard'
  | 'evictionSoft'
  | 'evictionSoftGracePeriod'
  | 'evictionMinimumReclaim'
>;

export function resourcesOfNode(machine: Machine, settings: Settings): NodeResources {
  const whole = capacity(machine, settings);
  const held = evictionReserve(whole, settings);
  const pages = [...whole].filter(([name]) => name.startsWith('hugepages-')).map(([, amount]) => amount);
  const allocatable = [...whole].map(([name, amount]): [string, Quantity] => {
    let left = amount.minus(reserved(name, settings)).minus(held.get(name) ?? Quantity.zero);
    // Pages set aside are no memory for anybody else.
    if (name === 'memory') for (const each of pages) left = left.minus(each);
    return [name, left.sign < 0 ? new Quantity(0n, left.format) : left];
  });
  return { capacity: texts(whole), allocatable: texts(allocatable) };
}

/** @throws when more is reserved than there is, in upstream's words. */
export function checkReservations(machine: Machine, settings: Settings): void {
  const whole = capacity(machine, settings);
  const held = evictionReserve(whole, settings);
  const problems = [...whole].flatMap(([name, amount]) => {
    const sum = reserved(name, settings).plus(held.get(name) ?? Quantity.zero);
    if (sum.compare(amount) <= 0) return [];
    return [
      `Resource "${name}" has a reservation of ${sum} but capacity of ${amount}. Expected capacity >= reservation.`,
    ];
  });
  if (problems.length > 0) throw new Error(`invalid Node Allocatable configuration. ${problems.join(' ')}`);
}

/** What is reserved is kept from pods; what evictions leave free is not: they would never begin. */
export function limitOfPods(machine: Machine, settings: Settings, pidMax: number): PodsLimit {
  const isEnforced = settings.enforceNodeAllocatable.includes('pods');
  const left = (name: string, amount: Quantity) => (isEnforced ? amount.minus(reserved(name, settings)) : amount);
  const whole = capacity(machine, settings);
  return {
    cpuMilli: Number(left('cpu', whole.get('cpu')!).millis),
    ...(isEnforced
      ? {
          memoryBytes: Number(left('memory', whole.get('memory')!).units),
          pids: Number(left('pid', Quantity.ofUnits(pidMax)).units),
        }
      : {}),
    hugePages: new Map(
      isEnforced
        ? (machine.hugePages ?? []).map(({ size, bytes }) => {
            const name = `hugepages-${size}`;
            return [size, Number(left(name, Quantity.ofUnits(bytes)).units)];
          })
        : [],
    ),
  };
}

function capacity(machine: Machine, { maxPods, podsPerCore }: Settings): Map<string, Quantity> {
  const pods = podsPerCore > 0 ? Math.min(podsPerCore * machine.cpuCount, maxPods) : maxPods;
  const kibi = (bytes: number) => Quantity.ofUnits(Math.floor(bytes / 1024) * 1024, 'binary');
  const pages = new Map([
    ['1Gi', 0],
    ['2Mi', 0],
    ...(machine.hugePages ?? []).map(({ size, bytes }): [string, number] => [size, bytes]),
  ]);
  return new Map([
    ['cpu', Quantity.ofUnits(machine.cpuCount)],
    ['ephemeral-storage', kibi(machine.diskBytes)],
    ...[...pages].map(([size, bytes]): [string, Quantity] => [
      `hugepages-${size}`,
      Quantity.ofUnits(bytes, bytes === 0 ? 'decimal' : 'binary'),
    ]),
    ['memory', kibi(machine.memoryBytes)],
    ['pods', Quantity.ofUnits(pods)],
  ]);
}

function reserved(name: string, { systemReserved, kubeReserved, reservedSystemCpus }: Settings): Quantity {
  // Named CPUs stand for any amounts.
  if (name === 'cpu' && reservedSystemCpus) return Quantity.ofUnits(cpuCount(reservedSystemCpus));
  return quantityOf(systemReserved[name]).plus(quantityOf(kubeReserved[name]));
}

/** What hard evictions keep free. */
function evictionReserve(whole: ReadonlyMap<string, Quantity>, settings: Settings): Map<string, Quantity> {
  const names = { 'memory.available': 'memory', 'nodefs.available': 'ephemeral-storage' } as const;
  const held = new Map<string, Quantity>();
  for (const threshold of parseThresholds(settings).filter(isHard)) {
    const name = names[threshold.signal as keyof typeof names];
    if (name) held.set(name, amountOf(threshold.value, whole.get(name)!));
  }
  return held;
}

/** Printed as they were counted: amounts of memory in the largest unit that loses nothing, but never more than Ki. */
function texts(amounts: Iterable<readonly [string, Quantity]>): Record<string, string> {
  return Object.fromEntries([...amounts].map(([name, amount]) => [name, textOf(name, amount)]));
}

function textOf(name: string, amount: Quantity): string {
  const units = amount.units;
  if ((name === 'memory' || name === 'ephemeral-storage') && units > 0n && units % 1024n === 0n)
    return `${units / 1024n}Ki`;
  return amount.toString();
}
