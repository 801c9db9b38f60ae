import type { SimulationProgram } from './program.ts';
import { type SimulatedContainer, settingOf } from './settings.ts';
import { readCourse } from './values.ts';

export interface SimulatedUsage {
  readonly nanoCores: number;
  readonly memoryBytes: number;
}

/** What a container uses that runs since so long: nothing, unless something is said. */
export function usageOf(program: SimulationProgram, container: SimulatedContainer, ageMs: number): SimulatedUsage {
  const amount = (name: 'cpu' | 'memory'): number => {
    const setting = settingOf(program, container, name);
    const value = setting ? readCourse(setting.text, ageMs, setting.draw) : 0;
    return Number.isFinite(value) && value > 0 ? value : 0;
  };
  return { nanoCores: Math.round(amount('cpu') * 1e9), memoryBytes: Math.round(amount('memory')) };
}
