// The plugins, in the order they are asked. Filters that are cheap and refuse for good come first.
import type { Filter, Score } from '../plugin.ts';
import { dynamicResources, dynamicResourcesScore } from './dynamic-resources.ts';
import { imageLocality } from './image-locality.ts';
import { interPodAffinity, interPodAffinityScore } from './inter-pod-affinity.ts';
import { nodeAffinity, nodeAffinityScore } from './node-affinity.ts';
import { nodeDeclaredFeatures } from './node-declared-features.ts';
import { nodeName } from './node-name.ts';
import { nodePorts } from './node-ports.ts';
import { balancedAllocation, leastAllocated, nodeResourcesFit } from './node-resources-fit.ts';
import { nodeUnschedulable } from './node-unschedulable.ts';
import { nodeVolumeLimits } from './node-volume-limits.ts';
import { podTopologySpread, podTopologySpreadScore } from './pod-topology-spread.ts';
import { taintScore, taintToleration } from './taint-toleration.ts';
import { volumeBinding } from './volume-binding.ts';
import { volumeRestrictions } from './volume-restrictions.ts';
import { volumeZone } from './volume-zone.ts';

export const filters: readonly Filter[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  volumeRestrictions,
  nodeVolumeLimits,
  volumeBinding,
  volumeZone,
  podTopologySpread,
  interPodAffinity,
  dynamicResources,
  nodeDeclaredFeatures,
];

export const scores: readonly Score[] = [
  taintScore,
  nodeAffinityScore,
  podTopologySpreadScore,
  interPodAffinityScore,
  dynamicResourcesScore,
  leastAllocated,
  balancedAllocation,
  imageLocality,
];
