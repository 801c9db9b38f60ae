// Stories for the controllers, area by area.
import type { Story } from '../stories.ts';
import { autoscalerStories } from './autoscalers.ts';
import { clusterStories } from './cluster.ts';
import { cronJobStories } from './cron-jobs.ts';
import { measuredStories } from './measured.ts';
import { networkStories } from './networks.ts';
import { nodeStories } from './nodes.ts';
import { policyStories } from './policies.ts';
import { volumeStories } from './volumes.ts';
import { workloadStories } from './workloads.ts';

export const controllerStories: readonly Story[] = [
  ...cronJobStories,
  ...networkStories,
  ...volumeStories,
  ...nodeStories,
  ...policyStories,
  ...workloadStories,
  ...clusterStories,
  ...autoscalerStories,
  ...measuredStories,
];
