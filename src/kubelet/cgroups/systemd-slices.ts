// Tells systemd of groups that it keeps: it would write its own limits over those of a slice that nobody told it of.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import type { GroupSettings } from './group-files.ts';
import { groupPath } from './group-names.ts';

const run = promisify(execFile);
const manager = ['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'];
const callMs = 5_000;
/** D-Bus' largest number, by which systemd means that there is no limit. */
const unlimited = '18446744073709551615';

/** Calls a method of systemd's: its name, signature and arguments. @throws with what it says */
export type CallSystemd = (...args: string[]) => Promise<unknown>;

const callSystemd: CallSystemd = (...args) => run('busctl', ['call', ...manager, ...args], { timeout: callMs });

/** Undefined where systemd is not what runs the machine: then slices are groups like others. */
export const systemdOfMachine = (): CallSystemd | undefined =>
  existsSync('/run/systemd/system') ? callSystemd : undefined;

export interface Slices {
  /** Makes it, or changes it. @param name the last part of its path */
  apply(name: string, settings: GroupSettings): Promise<void>;
  /** With all below. One that is not there is fine. */
  remove(name: string): Promise<void>;
}

/** @param isUnified whether the machine has cgroup v2 */
export function createSlices(call: CallSystemd, isUnified: boolean): Slices {
  const told = new Map<string, string>();
  return {
    async apply(name, settings) {
      const properties = propertiesOf(settings, isUnified);
      const text = properties.join(' ');
      if (told.get(name) === text) return;
      const listed = [String(properties.length / 3), ...properties];
      await call('StartTransientUnit', 'ssa(sv)a(sa(sv))', name, 'replace', ...listed, '0').catch((error) => {
        if (!/UnitExists|already (exists|loaded)/.test(String(error))) throw error;
        return call('SetUnitProperties', 'sba(sv)', name, 'true', ...listed);
      });
      told.set(name, text);
    },
    async remove(name) {
      told.delete(name);
      await call('StopUnit', 'ss', name, 'replace').catch(() => {}); // gone, or never told of
    },
  };
}

/** Takes away all of a cluster's. @param parent as the agent had it */
export async function removeSlices(parent: string, call = systemdOfMachine()): Promise<void> {
  if (call) await createSlices(call, true).remove(groupPath('systemd', [parent]));
}

/** Name, type and value of each. */
function propertiesOf(
  { cpuShares, cpuQuota, cpuPeriod, memoryBytes, pids }: GroupSettings,
  isUnified: boolean,
): string[] {
  const amount = (value: number) => (value === Number.POSITIVE_INFINITY ? unlimited : String(Math.floor(value)));
  const weight = (shares: number) => Math.floor(1 + ((shares - 2) * 9999) / 262_142);
  const numbers: [name: string, value: string | undefined][] = [
    isUnified
      ? ['CPUWeight', cpuShares === undefined ? undefined : String(weight(cpuShares))]
      : ['CPUShares', cpuShares === undefined ? undefined : String(cpuShares)],
    ['CPUQuotaPerSecUSec', cpuQuota === undefined ? undefined : amount((cpuQuota * 1e6) / (cpuPeriod ?? 100_000))],
    [isUnified ? 'MemoryMax' : 'MemoryLimit', memoryBytes === undefined ? undefined : amount(memoryBytes)],
    ['TasksMax', pids === undefined ? undefined : amount(pids)],
  ];
  const switches = ['CPUAccounting', 'MemoryAccounting', 'TasksAccounting'];
  return [
    ...switches.flatMap((name) => [name, 'b', 'true']),
    ...numbers.flatMap(([name, value]) => (value === undefined ? [] : [name, 't', value])),
  ];
}
