// Stories for the controllers, area by area.
import type { Story } from '../stories.ts';
import { autoscalerStories } from './autoscalers.ts';
import { certificateStories } from './certificates.ts';
import { clusterStories } from './cluster.ts';
import { cronJobStories } from './cron-jobs.ts';
import { daemonStories } from './daemons.ts';
import { evictionStories } from './evictions.ts';
import { garbageStories } from './garbage.ts';
import { jobStories } from './jobs.ts';
import { limitStories } from './limits.ts';
import { measuredStories } from './measured.ts';
import { moreJobStories } from './more-jobs.ts';
import { moreNetworkStories } from './more-networks.ts';
import { networkStories } from './networks.ts';
import { nodeStories } from './nodes.ts';
import { policyStories } from './policies.ts';
import { serviceStories } from './services.ts';
import { volumeStories } from './volumes.ts';
import { workloadStories } from './workloads.ts';

export const controllerStories: readonly Story[] = [
  ...cronJobStories,
  ...networkStories,
  ...volumeStories,
  ...nodeStories,
  ...policyStories,
  ...workloadStories,
  ...jobStories,
  ...clusterStories,
  ...autoscalerStories,
  ...measuredStories,
  ...certificateStories,
  ...garbageStories,
  ...moreJobStories,
  ...moreNetworkStories,
  ...daemonStories,
  ...evictionStories,
  ...limitStories,
  ...serviceStories,
];
