import type { Clock } from '../base/clock.ts';
import type { Report } from './settings/up-options.ts';

/** Tells of steps, each with the time since the one before. */
export function stepTimer(report: Report, clock: Clock): (name: string, text: string) => void {
  let last = clock.monotonicMs();
  return (name, text) => {
    const now = clock.monotonicMs();
    report({ type: 'step', name, text, ms: now - last });
    last = now;
  };
}
