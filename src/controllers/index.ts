// The controllers of a cluster. To add one: write its file, and one line here.
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { deploymentController } from './deployment.ts';
import { replicaSetController } from './replica-set.ts';
import { replicationControllerController } from './replication-controller.ts';

export const controllers: readonly ControllerDefinition[] = [
  deploymentController,
  replicaSetController,
  replicationControllerController,
];
