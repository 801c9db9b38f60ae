// CSI on a node, put together: drivers that announce themselves, their volumes, what the cluster is told of both.
import { mkdir } from 'node:fs/promises';
import { csiDriverKind } from '../../../generated/kinds.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { EventRecorder } from '../../reconcile/controller.ts';
import type { InformerFactory } from '../../reconcile/informer.ts';
import type { PluginHandler } from '../plugin-registration/plugin-handler.ts';
import type { Mounter } from '../volumes/mounter.ts';
import type { NodeAttachments } from '../volumes/node-attachments.ts';
import { requestPodToken } from '../volumes/token-source.ts';
import type { RequestToken } from './call-data.ts';
import { CsiMetrics } from './csi-metrics.ts';
import { CsiVolumes } from './csi-volumes.ts';
import { CsiDrivers } from './drivers.ts';
import { CsiLayout } from './layout.ts';
import { NodeRecord } from './node-record.ts';

export interface CsiNodeOptions {
  readonly nodeName: string;
  /** The node's folder: drivers call it /var/lib/kubelet. */
  readonly nodeDir: string;
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly mounter: Mounter;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
  /** It is told here what is in use. */
  readonly attachments: NodeAttachments;
}

export interface CsiNode {
  readonly volumes: CsiVolumes;
  /** Takes drivers that announce themselves. */
  readonly handler: PluginHandler;
  readonly metrics: CsiMetrics;
  /** Makes this node's CSINode. @throws when it can not be written, after upstream's number of tries */
  initialize(): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
}

export function createCsiNode(options: CsiNodeOptions): CsiNode {
  const { nodeName, nodeDir, client, informers, mounter, recorder, clock, attachments } = options;
  const log = options.log.with({ component: 'csi' });
  const objects = informers.informer(csiDriverKind);
  const metrics = new CsiMetrics();
  const layout = new CsiLayout(nodeDir);
  const record = new NodeRecord({ nodeName, client, clock });
  const drivers = new CsiDrivers({ record, objects, metrics, clock, log });
  const context = {
    nodeName,
    layout,
    client,
    mounter,
    drivers,
    driverObject: (name: string) => objects.find(name),
    requestToken: ((pod, wish) => requestPodToken(client, pod, wish)) satisfies RequestToken,
  };
  const knowsDrivers = (): boolean => objects.hasSynced;
  const volumes = new CsiVolumes({ context, drivers, knowsDrivers, attachments, recorder, clock, log });
  attachments.add(volumes);
  return {
    volumes,
    handler: drivers,
    metrics,
    async initialize() {
      // Manifests of drivers say that these are there.
      for (const folder of [layout.registry, layout.pods, layout.plugin]) await mkdir(folder, { recursive: true });
      await record.initialize();
    },
    run: (signal) => volumes.run(signal),
  };
}
