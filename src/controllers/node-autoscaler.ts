// Nodes come when pods wait for room, and go when nobody needs them.
import type { ControllerContext, ControllerDefinition } from '../reconcile/controller.ts';
import { Autoscaler } from './node-autoscaler/autoscaler.ts';
import type { NodeAutoscalerConfig } from './node-autoscaler/config.ts';
import type { NodeProvider } from './node-autoscaler/provider.ts';
import { SimulatedProvider } from './node-autoscaler/simulated-provider.ts';
import type { NewTrial } from './node-autoscaler/trial.ts';

export interface NodeAutoscalerParts {
  readonly config: NodeAutoscalerConfig;
  /** Asked once, when the controller is set up: it may ask for informers. */
  readonly trials: (context: ControllerContext) => NewTrial;
  /** Default: simulated nodes. */
  readonly provider?: (context: ControllerContext) => NodeProvider;
}

export function nodeAutoscaler({ config, trials, provider }: NodeAutoscalerParts): ControllerDefinition {
  return {
    name: 'node-autoscaler',
    setup(context) {
      const nodes = provider?.(context) ?? new SimulatedProvider({ ...context, groups: config.groups });
      const autoscaler = new Autoscaler({ context, config, provider: nodes, newTrial: trials(context) });
      return {
        name: 'node-autoscaler',
        workers: 1,
        reconcile: async () => {},
        run: (signal) => autoscaler.run(signal),
      };
    },
  };
}
