// Calls to a driver's node service. A connection lasts as long as one call: drivers come and go behind their sockets.
import type { Clock } from '../../base/clock.ts';
import { GrpcError } from '../../base/grpc.ts';
import type { GrpcMessage } from '../grpc/proto.ts';
import { connectUnix } from '../grpc/unix-client.ts';
import { wordedAsUpstream } from './csi-error.ts';
import type { CsiMetrics } from './csi-metrics.ts';
import { nodeService } from './csi-proto.ts';

/** How long a driver may take for one call. */
export const csiTimeoutMs = 120_000;

export interface NodeInfo {
  readonly nodeId: string;
  /** 0: no limit that it knows of. */
  readonly maxVolumes: number;
  readonly topology: Readonly<Record<string, string>>;
}

/** How a volume is to be used. */
export interface CapabilityWish {
  readonly isBlock: boolean;
  readonly fsType: string;
  readonly mountOptions: readonly string[];
  /** First of the volume's access modes, as Kubernetes names it. */
  readonly accessMode: string;
  /** Group that the driver is to give it to. */
  readonly group?: number | undefined;
}

export interface StageRequest {
  readonly volumeId: string;
  readonly stagingTargetPath: string;
  readonly publishContext: Readonly<Record<string, string>>;
  readonly volumeContext: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly wish: CapabilityWish;
}

export interface PublishRequest extends StageRequest {
  readonly targetPath: string;
  readonly readonly: boolean;
}

export interface ExpandRequest {
  readonly volumeId: string;
  readonly volumePath: string;
  /** '' where nothing is staged. */
  readonly stagingTargetPath: string;
  readonly requiredBytes: bigint;
  readonly secrets: Readonly<Record<string, string>>;
  readonly wish: CapabilityWish;
}

export type NodeCapability =
  | 'STAGE_UNSTAGE_VOLUME'
  | 'GET_VOLUME_STATS'
  | 'EXPAND_VOLUME'
  | 'VOLUME_CONDITION'
  | 'SINGLE_NODE_MULTI_WRITER'
  | 'VOLUME_MOUNT_GROUP';

export type Capabilities = ReadonlySet<NodeCapability>;

export interface NodeClientOptions {
  readonly driver: string;
  /** Socket, on this machine. */
  readonly endpoint: string;
  readonly metrics: CsiMetrics;
  readonly clock: Clock;
}

/** One driver. Methods reject with GrpcError, which has the driver's words and its code. */
export class NodeClient {
  readonly #options: NodeClientOptions;

  constructor(options: NodeClientOptions) {
    this.#options = options;
  }

  async info(): Promise<NodeInfo> {
    const { nodeId, maxVolumesPerNode, accessibleTopology } = await this.#call('NodeGetInfo', {});
    return { nodeId, maxVolumes: Number(maxVolumesPerNode), topology: accessibleTopology?.segments ?? {} };
  }

  async capabilities(): Promise<Capabilities> {
    const { capabilities } = await this.#call('NodeGetCapabilities', {});
    return new Set(capabilities.map((each: GrpcMessage) => each.rpc?.type).filter(Boolean));
  }

  async stage({ wish, ...request }: StageRequest, capabilities: Capabilities): Promise<void> {
    await this.#call('NodeStageVolume', { ...request, volumeCapability: volumeCapability(wish, capabilities) });
  }

  async unstage(volumeId: string, stagingTargetPath: string): Promise<void> {
    await this.#call('NodeUnstageVolume', { volumeId, stagingTargetPath });
  }

  async publish({ wish, ...request }: PublishRequest, capabilities: Capabilities): Promise<void> {
    await this.#call('NodePublishVolume', { ...request, volumeCapability: volumeCapability(wish, capabilities) });
  }

  async unpublish(volumeId: string, targetPath: string): Promise<void> {
    await this.#call('NodeUnpublishVolume', { volumeId, targetPath });
  }

  async expand({ wish, requiredBytes, ...request }: ExpandRequest, capabilities: Capabilities): Promise<void> {
    await this.#call('NodeExpandVolume', {
      ...request,
      capacityRange: { requiredBytes: String(requiredBytes) },
      volumeCapability: volumeCapability(wish, capabilities),
    });
  }

  /** As the driver answers: 64-bit integers are strings. */
  stats(volumeId: string, volumePath: string): Promise<GrpcMessage> {
    return this.#call('NodeGetVolumeStats', { volumeId, volumePath });
  }

  async #call(method: string, request: object): Promise<GrpcMessage> {
    const { driver, endpoint, metrics, clock } = this.#options;
    const client = connectUnix(endpoint, nodeService);
    const startedMs = clock.monotonicMs();
    let code = 0;
    try {
      return await client.call(method, request, { timeoutMs: csiTimeoutMs });
    } catch (error) {
      code = error instanceof GrpcError ? error.code : 2;
      throw wordedAsUpstream(error, endpoint);
    } finally {
      client.close();
      metrics.observe({ driver, method: `/csi.v1.Node/${method}`, code }, (clock.monotonicMs() - startedMs) / 1000);
    }
  }
}

const modes: Readonly<Record<string, readonly [plain: string, fine: string]>> = {
  ReadWriteOnce: ['SINGLE_NODE_WRITER', 'SINGLE_NODE_MULTI_WRITER'],
  ReadOnlyMany: ['MULTI_NODE_READER_ONLY', 'MULTI_NODE_READER_ONLY'],
  ReadWriteMany: ['MULTI_NODE_MULTI_WRITER', 'MULTI_NODE_MULTI_WRITER'],
  ReadWriteOncePod: ['SINGLE_NODE_WRITER', 'SINGLE_NODE_SINGLE_WRITER'],
};

function volumeCapability(wish: CapabilityWish, capabilities: Capabilities): object {
  const mode = modes[wish.accessMode]?.[capabilities.has('SINGLE_NODE_MULTI_WRITER') ? 1 : 0] ?? 'UNKNOWN';
  const accessMode = { mode };
  if (wish.isBlock) return { block: {}, accessMode };
  const volumeMountGroup = wish.group === undefined ? '' : String(wish.group);
  return { mount: { fsType: wish.fsType, mountFlags: wish.mountOptions, volumeMountGroup }, accessMode };
}
