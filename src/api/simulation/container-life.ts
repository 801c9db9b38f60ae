import type { SimulationProgram } from './program.ts';
import type { SettingName } from './setting-names.ts';
import { type SimulatedContainer, settingOf } from './settings.ts';
import { readRange, readWeighted } from './values.ts';

/** All times are after the container's start, but for the first. */
export interface ContainerLife {
  /** How long its start takes. */
  readonly startDelayMs: number;
  /** When it is ready at the earliest. */
  readonly readyDelayMs: number;
  /** When it ends by itself; absent: it does not. */
  readonly runMs?: number;
  readonly exitCode: number;
  /** How long it takes to end after its stop signal. */
  readonly stopMs: number;
}

/** @param endsByItself of jobs and init containers; they run for a second when nothing is said */
export function containerLife(
  program: SimulationProgram,
  container: SimulatedContainer,
  endsByItself: boolean,
): ContainerLife {
  const numberOf = (name: SettingName): number | undefined => {
    const setting = settingOf(program, container, name);
    if (!setting) return undefined;
    const value =
      name === 'exit-code' ? readWeighted(setting.text, setting.draw) : readRange(setting.text, setting.draw);
    // Annotations are not validated: what cannot be read has not been said.
    return Number.isFinite(value) && value >= 0 ? value : undefined;
  };
  const failureRate = numberOf('failure-rate');
  const failing = settingOf(program, container, 'failure-rate');
  const isFailing = failureRate !== undefined && failing!.draw() < failureRate;
  const exitCode = numberOf('exit-code');
  const usualSeconds = numberOf('run-seconds') ?? (endsByItself ? 1 : undefined);
  const runSeconds = isFailing ? (numberOf('fail-seconds') ?? usualSeconds ?? 1) : usualSeconds;
  return {
    startDelayMs: (numberOf('start-seconds') ?? 0) * 1000,
    readyDelayMs: (numberOf('ready-seconds') ?? 0) * 1000,
    stopMs: (numberOf('stop-seconds') ?? 0) * 1000,
    // With a rate of failures, the code is that of those who fail.
    exitCode: failureRate === undefined ? (exitCode ?? 0) : isFailing ? exitCode || 1 : 0,
    ...(runSeconds === undefined ? {} : { runMs: runSeconds * 1000 }),
  };
}
