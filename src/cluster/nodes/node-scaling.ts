// Node autoscaling with the scheduler's own filters: the two do not know each other.
import type { NodeAutoscalerConfig } from '../../controllers/node-autoscaler/config.ts';
import { nodeAutoscaler } from '../../controllers/node-autoscaler.ts';
import type { ControllerDefinition } from '../../reconcile/controller.ts';
import { imaginedClusters } from '../../scheduler/what-if.ts';

export function nodeScaling(config: NodeAutoscalerConfig): ControllerDefinition {
  return nodeAutoscaler({ config, trials: ({ informers, random }) => imaginedClusters(informers, random) });
}
