import type { Deployment, DeploymentStatus, ReplicaSet } from '../../../generated/apps-v1.ts';
import type { Client } from '../../client/client.ts';

/** What the steps of one look at a Deployment share. */
export interface RolloutContext {
  readonly client: Client;
  readonly nowMs: number;
  /** As last written: status updates of one look build on each other. */
  readonly deployment: Deployment;
  /** Notes that the set is like this now, whatever the cache shows. Gives it back. */
  wrote(set: ReplicaSet): ReplicaSet;
  tell(type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Annotations may ride along with a status. */
  writeStatus(status: DeploymentStatus, annotations?: Record<string, string>): Promise<void>;
}
