import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { Client } from '../../client/client.ts';
import type { InformerFactory } from '../../reconcile/informer.ts';
import type { SimulatedRuntime, SimulatedRuntimeOptions } from '../runtime/simulated/simulated-runtime.ts';

export interface SimulatedNodesOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly log: Logger;
  /** How many; they are called PREFIX-0, PREFIX-1, … */
  readonly count: number;
  /** Default `simulated`. */
  readonly namePrefix?: string;
  readonly clusterDomain?: string;
  /** Default 32 cores, 256 GiB, 110 pods. */
  readonly cpuCount?: number;
  readonly memoryBytes?: number;
  readonly maxPods?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Nodes that others make come to life here, too; default true. */
  readonly takesOthers?: boolean;
  /** Of the names of containers; default: the system's. */
  readonly random?: Random;
  /** Makes what the pods run on, for those who want to hold it; default: a new one. */
  readonly runtime?: (options: SimulatedRuntimeOptions) => SimulatedRuntime;
}
