// The controllers that hold nodes against the machines of their provider, with this machine as the provider.
import { cloudNodeController } from '../../controllers/cloud-node.ts';
import { cloudNodeLifecycleController } from '../../controllers/cloud-node-lifecycle.ts';
import type { ControllerDefinition } from '../../reconcile/controller.ts';
import { type MachineProviderSettings, machineProvider } from './machine-provider.ts';

export function machineControllers(settings: MachineProviderSettings): readonly ControllerDefinition[] {
  const instances = machineProvider(settings);
  return [cloudNodeController(instances), cloudNodeLifecycleController(instances)];
}
