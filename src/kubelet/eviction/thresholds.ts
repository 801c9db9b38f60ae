// Where the node begins to defend itself: `memory.available: 100Mi`, `nodefs.available: 10%`, at once or after a while.
import { Quantity } from '../../api/meta/quantity.ts';
import { parseDuration } from '../../schema/time.ts';
import type { KubeletConfiguration } from '../config/types.ts';

export type Signal =
  | 'memory.available'
  | 'allocatableMemory.available'
  | 'nodefs.available'
  | 'nodefs.inodesFree'
  | 'imagefs.available'
  | 'imagefs.inodesFree'
  | 'containerfs.available'
  | 'containerfs.inodesFree'
  | 'pid.available';

export type Pressure = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure';
export type StarvedResource = 'memory' | 'ephemeral-storage' | 'inodes' | 'pids';

const meanings: Readonly<Record<Signal, readonly [Pressure, StarvedResource]>> = {
  'memory.available': ['MemoryPressure', 'memory'],
  'allocatableMemory.available': ['MemoryPressure', 'memory'],
  'nodefs.available': ['DiskPressure', 'ephemeral-storage'],
  'nodefs.inodesFree': ['DiskPressure', 'inodes'],
  'imagefs.available': ['DiskPressure', 'ephemeral-storage'],
  'imagefs.inodesFree': ['DiskPressure', 'inodes'],
  'containerfs.available': ['DiskPressure', 'ephemeral-storage'],
  'containerfs.inodesFree': ['DiskPressure', 'inodes'],
  'pid.available': ['PIDPressure', 'pids'],
};

export const pressureOf = (signal: Signal): Pressure => meanings[signal][0];
export const resourceOf = (signal: Signal): StarvedResource => meanings[signal][1];

/** An amount, or a share of the whole. */
export type ThresholdValue = { readonly quantity: Quantity } | { readonly share: number };

export interface Threshold {
  readonly signal: Signal;
  readonly value: ThresholdValue;
  /** 0 is a hard one. */
  readonly graceMs: number;
  /** How much above the threshold it has to come again. */
  readonly minReclaim?: ThresholdValue;
}

export const isHard = ({ graceMs }: Threshold): boolean => graceMs === 0;

/** The amount that a threshold means on a node that has so much. */
export function amountOf(value: ThresholdValue, capacity: Quantity): Quantity {
  if ('quantity' in value) return value.quantity;
  return Quantity.ofUnits(Math.trunc(Number(capacity.units) * value.share), 'binary');
}

type Statements = Readonly<Record<string, string>>;
type EvictionSettings = Pick<
  KubeletConfiguration,
  'evictionHard' | 'evictionSoft' | 'evictionSoftGracePeriod' | 'evictionMinimumReclaim' | 'enforceNodeAllocatable'
>;

/** @throws with upstream's words for what cannot be read. */
export function parseThresholds(settings: EvictionSettings): Threshold[] {
  const hard = statements(settings.evictionHard, 0);
  const grace = graceMs(settings.evictionSoftGracePeriod);
  const soft = statements(settings.evictionSoft, 0).map((each) => {
    const period = grace.get(each.signal);
    if (period === undefined)
      throw new Error(`grace period must be specified for the soft eviction threshold ${each.signal}`);
    return { ...each, graceMs: period };
  });
  const reclaim = minimumReclaims(settings.evictionMinimumReclaim);
  const all = [...hard, ...soft].map((each): Threshold => {
    const minReclaim = reclaim.get(each.signal);
    return minReclaim ? { ...each, minReclaim } : each;
  });
  if (!settings.enforceNodeAllocatable.includes('pods')) return all;
  // What pods may use together is watched as the whole machine is.
  const memory = all.filter((each) => each.signal === 'memory.available' && isHard(each));
  return [...all, ...memory.map((each): Threshold => ({ ...each, signal: 'allocatableMemory.available' }))];
}

function signalOf(name: string): Signal {
  if (!Object.hasOwn(meanings, name)) throw new Error(`unsupported eviction signal ${name}`);
  return name as Signal;
}

function statements(given: Statements, graceMs: number): Threshold[] {
  return Object.entries(given).flatMap(([name, text]): Threshold[] => {
    const signal = signalOf(name);
    if (text === '0%' || text === '100%') return [];
    if (text.endsWith('%')) {
      const share = shareOf(text);
      if (share < 0) throw new Error(`eviction percentage threshold ${signal} must be >= 0%: ${text}`);
      if (share > 1) throw new Error(`eviction percentage threshold ${signal} must be <= 100%: ${text}`);
      return [{ signal, value: { share }, graceMs }];
    }
    const quantity = Quantity.parse(text);
    if (quantity.sign <= 0) throw new Error(`eviction threshold ${signal} must be positive: ${quantity}`);
    return [{ signal, value: { quantity }, graceMs }];
  });
}

function shareOf(text: string): number {
  const number = text.replace(/%+$/, '');
  if (!/^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(number))
    throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(number)}: invalid syntax`);
  return Number(number) / 100;
}

function graceMs(given: Statements): Map<Signal, number> {
  return new Map(
    Object.entries(given).map(([name, text]) => {
      const signal = signalOf(name);
      const ms = Number(parseDuration(text) / 1_000_000n);
      if (ms < 0) throw new Error(`invalid eviction grace period specified: ${text}, must be a positive value`);
      return [signal, ms];
    }),
  );
}

function minimumReclaims(given: Statements): Map<Signal, ThresholdValue> {
  return new Map(
    Object.entries(given).map(([name, text]): [Signal, ThresholdValue] => {
      const signal = signalOf(name);
      if (text.endsWith('%')) {
        const share = shareOf(text);
        if (share <= 0) throw new Error(`eviction percentage minimum reclaim ${signal} must be positive: ${text}`);
        return [signal, { share }];
      }
      const quantity = Quantity.parse(text);
      if (quantity.sign < 0) throw new Error(`negative eviction minimum reclaim specified for ${signal}`);
      return [signal, { quantity }];
    }),
  );
}
