// The schedulers that this one is: one for each name that pods may ask for, with plugins, weights and arguments of its own.
import type { Random } from '../base/random.ts';
import type { EventRecorder } from '../reconcile/controller.ts';
import { argsOf } from './config/plugin-args.ts';
import { activePlugins } from './config/profile-plugins.ts';
import type { Configuration } from './config/types.ts';
import { Decider } from './cycle.ts';
import { Extender } from './extenders/extender.ts';
import type { Nominations } from './nominations.ts';
import type { Snapshot } from './plugin.ts';
import { dynamicResources } from './plugins/dynamic-resources.ts';
import { pluginsFor } from './plugins/for-profile.ts';
import { volumeBinding } from './plugins/volume-binding.ts';
import { Preemptor } from './preemption.ts';

export interface SchedulerProfile {
  readonly name: string;
  readonly recorder: EventRecorder;
  readonly decider: Decider;
  /** Absent: it evicts nobody. */
  readonly preemptor: Preemptor | undefined;
  readonly givesDevices: boolean;
  readonly givesVolumes: boolean;
}

export interface ProfileParts {
  readonly snapshot: Snapshot;
  readonly nominations: Nominations;
  readonly random: Random;
  recorderFor(schedulerName: string): EventRecorder;
}

/** By scheduler name. */
export function createProfiles(
  { profiles, percentageOfNodesToScore, extenders }: Configuration,
  { snapshot, nominations, random, recorderFor }: ProfileParts,
): ReadonlyMap<string, SchedulerProfile> {
  const ignored = new Set(
    extenders.flatMap(({ managedResources = [] }) =>
      managedResources.filter((each) => each.ignoredByScheduler).map(({ name }) => name),
    ),
  );
  return new Map(
    profiles.map((profile) => {
      const { schedulerName } = profile;
      const active = activePlugins(profile);
      const plugins = pluginsFor(profile, active, ignored);
      const percentage = profile.percentageOfNodesToScore ?? percentageOfNodesToScore;
      const decider = new Decider(snapshot, plugins, { nominations, percentageOfNodesToScore: percentage });
      const { minCandidateNodesPercentage, minCandidateNodesAbsolute } = argsOf(profile, 'DefaultPreemption');
      const isOn = active.postFilter.some(({ name }) => name === 'DefaultPreemption');
      const candidates = {
        candidateShare: minCandidateNodesPercentage / 100,
        leastCandidates: minCandidateNodesAbsolute,
      };
      const preemptor = isOn ? new Preemptor(snapshot, decider, { nominations, random, ...candidates }) : undefined;
      const has = ({ name }: { name: string }) => plugins.filters.some((filter) => filter.name === name);
      const made: SchedulerProfile = {
        name: schedulerName,
        recorder: recorderFor(schedulerName),
        decider,
        preemptor,
        givesDevices: has(dynamicResources),
        givesVolumes: has(volumeBinding),
      };
      return [schedulerName, made];
    }),
  );
}

export const createExtenders = ({ extenders }: Configuration): Extender[] =>
  extenders.map((extender) => new Extender(extender));
