// How full volumes are, as their drivers say; asked at most once a minute for each.
import { type Clock, rfc3339 } from '../../base/clock.ts';
import type { GrpcMessage } from '../grpc/proto.ts';
import type { FileSystemReading } from '../server/stats/file-system.ts';
import { type CsiContext, told } from './context.ts';
import type { CsiVolumeSpec } from './volume-spec.ts';

/** A volume in /stats/summary. */
export interface VolumeStats extends FileSystemReading {
  readonly name: string;
  readonly pvcRef?: { readonly name: string; readonly namespace: string };
}

const freshMs = 60_000;

interface Known {
  readonly atMs: number;
  readonly stats: Promise<VolumeStats | undefined>;
}

export class VolumeStatsReader {
  readonly #context: CsiContext;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(context: CsiContext, clock: Clock) {
    this.#context = context;
    this.#clock = clock;
  }

  /** Undefined where the driver does not say. @param path on this machine */
  read(podUid: string, spec: CsiVolumeSpec, path: string): Promise<VolumeStats | undefined> {
    const key = `${podUid}/${spec.podVolume}`;
    const now = this.#clock.monotonicMs();
    const known = this.#known.get(key);
    if (known && now - known.atMs < freshMs) return known.stats;
    const stats = this.#ask(spec, path).catch(() => undefined);
    this.#known.set(key, { atMs: now, stats });
    return stats;
  }

  forget(podUid: string): void {
    for (const key of this.#known.keys()) if (key.startsWith(`${podUid}/`)) this.#known.delete(key);
  }

  async #ask(spec: CsiVolumeSpec, path: string): Promise<VolumeStats | undefined> {
    const client = this.#context.drivers.client(spec.driver);
    if (!(await client.capabilities()).has('GET_VOLUME_STATS')) return undefined;
    const { usage } = await client.stats(spec.handle, told(this.#context, path));
    const claim = spec.volume?.spec?.claimRef;
    let figures = { availableBytes: 0, capacityBytes: 0, usedBytes: 0, inodesFree: 0, inodes: 0, inodesUsed: 0 };
    for (const { unit, available, total, used } of usage as GrpcMessage[])
      if (unit === 'BYTES')
        figures = { ...figures, availableBytes: +available, capacityBytes: +total, usedBytes: +used };
      else if (unit === 'INODES') figures = { ...figures, inodesFree: +available, inodes: +total, inodesUsed: +used };
    return {
      time: rfc3339(this.#clock.now()),
      name: spec.podVolume,
      ...(claim?.name ? { pvcRef: { name: claim.name, namespace: claim.namespace ?? '' } } : {}),
      ...figures,
    };
  }
}
