// Stories written by hand: what the made-up ones do not come upon.
import { usualKinds } from '../paths.ts';
import type { Story } from '../stories.ts';
import { controllerStories } from './controllers.ts';
import { schedulerStories } from './scheduler/index.ts';

export function toldStories(isScheduler: boolean): readonly Story[] {
  return isScheduler ? schedulerStories : controllerStories;
}

/** The kinds that a story's steps name, with pods and events; the usual ones for those made up. */
export function kindsOf({ steps, kinds }: Story): readonly string[] {
  if (!kinds) return usualKinds;
  const named = steps.flatMap((step) => ('kind' in step ? [step.kind] : 'object' in step ? [step.object.kind] : []));
  return [...new Set(['Pod', 'Event', ...named, ...kinds])];
}
