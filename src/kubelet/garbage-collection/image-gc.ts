// Images that nothing uses go when the disk fills, the ones used longest ago first, or when they are too old.
import { statfs } from 'node:fs/promises';
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { type Clock, every } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { KubeletConfiguration } from '../config/types.ts';
import type { NodeEvents } from '../events.ts';
import type { ContainerRecord } from '../pods/runtime-tracker.ts';
import type { ContainerRuntime, ImageInfo } from '../runtime/runtime.ts';

export interface ImageGcOptions {
  readonly config: KubeletConfiguration;
  readonly runtime: Pick<ContainerRuntime, 'listImages' | 'removeImage'>;
  /** On the disk of images. */
  readonly imageDir: string;
  readonly containers: () => Iterable<ContainerRecord>;
  /** Pods that have not ended: what they name is in use, though nothing of it may run yet. */
  readonly pods: () => readonly Pod[];
  /** Never removed: what sandboxes are made of. */
  readonly keep: readonly string[];
  readonly node: Pick<Node, 'metadata'>;
  readonly events: NodeEvents;
  readonly clock: Clock;
  readonly log: Logger;
}

interface ImageRecord {
  readonly firstSeenMs: number;
  lastUsedMs: number;
}

const periodMs = 300_000;

export class ImageGc {
  readonly #options: ImageGcOptions;
  readonly #records = new Map<string, ImageRecord>();
  readonly #beganMs: number;

  constructor(options: ImageGcOptions) {
    this.#options = options;
    this.#beganMs = options.clock.monotonicMs();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, config, events, node, log } = this.#options;
    // From the first moment, or images would be as old as this process.
    await this.#unused().catch((error) => log.debug('images were not looked at', { error: String(error) }));
    if (config.imageGcHighPercent === 100 && config.imageMaximumAgeMs === 0) return;
    let hasFailed = false;
    for await (const _ of every(clock, periodMs, signal)) {
      try {
        await this.collect();
        hasFailed = false;
      } catch (error) {
        log.warn('images were not collected', { error: String(error) });
        if (hasFailed) events.node(node, 'Warning', 'ImageGCFailed', (error as Error).message);
        hasFailed = true;
      }
    }
  }

  /** Looks once. @throws in upstream's words when the disk stays too full */
  async collect(): Promise<void> {
    const { config, imageDir, events, node, clock, log } = this.#options;
    const unused = await this.#withoutOldOnes(await this.#unused(), clock.monotonicMs());
    const disk = await statfs(imageDir);
    const capacity = disk.blocks * disk.bsize;
    const available = Math.min(capacity, disk.bavail * disk.bsize);
    if (capacity === 0) {
      const message = 'invalid capacity 0 on image filesystem';
      events.node(node, 'Warning', 'InvalidDiskCapacity', message);
      throw new Error(message);
    }
    const usedPercent = 100 - Math.floor((available * 100) / capacity);
    if (usedPercent < config.imageGcHighPercent) return;
    const wanted = Math.floor((capacity * (100 - config.imageGcLowPercent)) / 100) - available;
    log.info('the disk of images is filling', { usedPercent, wantedBytes: wanted });
    const freed = await this.#free(unused, wanted);
    if (freed >= wanted) return;
    const message =
      `Insufficient free disk space on the node's image filesystem (${usedPercent}% of ${sizeText(capacity)} used). ` +
      `Failed to free sufficient space by deleting unused images (freed ${freed} bytes). ` +
      'Investigate disk usage, as it could be used by active images, logs, volumes, or other data.';
    events.node(node, 'Warning', 'FreeDiskSpaceFailed', message);
    throw new Error(message);
  }

  /** All that nothing uses and that have been here for a while. */
  async removeUnused(): Promise<void> {
    await this.#free(await this.#unused(), Number.POSITIVE_INFINITY);
  }

  /** Those used longest ago first. */
  async #unused(): Promise<ImageInfo[]> {
    const { runtime, clock } = this.#options;
    const images = await runtime.listImages();
    const nowMs = clock.monotonicMs();
    const isUsed = this.#usage();
    const unused: ImageInfo[] = [];
    for (const image of images) {
      const record = this.#records.get(image.id) ?? { firstSeenMs: nowMs, lastUsedMs: 0 };
      this.#records.set(image.id, record);
      if (isUsed(image)) record.lastUsedMs = nowMs;
      else if (!image.pinned) unused.push(image);
    }
    const present = new Set(images.map(({ id }) => id));
    for (const id of this.#records.keys()) if (!present.has(id)) this.#records.delete(id);
    const record = ({ id }: ImageInfo) => this.#records.get(id)!;
    return unused.sort(
      (a, b) => record(a).lastUsedMs - record(b).lastUsedMs || record(a).firstSeenMs - record(b).firstSeenMs,
    );
  }

  #usage(): (image: ImageInfo) => boolean {
    const { containers, pods, keep } = this.#options;
    const names = new Set<string>(keep);
    for (const { image, imageRef } of containers()) names.add(image).add(imageRef);
    for (const { spec } of pods()) {
      for (const { image } of [...(spec.initContainers ?? []), ...spec.containers]) if (image) names.add(image);
      for (const { image } of spec.volumes ?? []) if (image?.reference) names.add(image.reference);
    }
    const known = new Set([...names].map(plainName));
    return ({ id, repoTags, repoDigests }) =>
      [id, ...repoTags, ...repoDigests].some((each) => known.has(plainName(each)));
  }

  async #withoutOldOnes(unused: readonly ImageInfo[], nowMs: number): Promise<ImageInfo[]> {
    const { config, log } = this.#options;
    const maxAgeMs = config.imageMaximumAgeMs;
    // Right after a start nothing is known to have been used.
    if (maxAgeMs === 0 || nowMs - this.#beganMs <= maxAgeMs) return [...unused];
    const left: ImageInfo[] = [];
    for (const image of unused) {
      const isOld = nowMs - this.#records.get(image.id)!.lastUsedMs > maxAgeMs;
      if (isOld) log.info('an image was not used for too long', { image: image.repoTags[0] ?? image.id });
      if (isOld) await this.#remove(image);
      else left.push(image);
    }
    return left;
  }

  /** @returns bytes that were given back */
  async #free(unused: readonly ImageInfo[], wanted: number): Promise<number> {
    const { config, clock, log } = this.#options;
    const problems: unknown[] = [];
    let freed = 0;
    for (const image of unused) {
      // What was pulled a moment ago is for a container that will start in a moment.
      if (clock.monotonicMs() - (this.#records.get(image.id)?.firstSeenMs ?? 0) < config.imageMinimumAgeMs) continue;
      log.info('an image that nothing uses is removed', { image: image.repoTags[0] ?? image.id });
      try {
        await this.#remove(image);
        freed += image.sizeBytes;
      } catch (error) {
        problems.push(error);
      }
      if (freed >= wanted) break;
    }
    if (problems.length > 0)
      throw new Error(
        `wanted to free ${wanted} bytes, but freed ${freed} bytes space with errors in image deletion: ${problems[0]}`,
      );
    return freed;
  }

  async #remove({ id }: ImageInfo): Promise<void> {
    await this.#options.runtime.removeImage(id);
    this.#records.delete(id);
  }
}

/** `docker.io/library/busybox:1` and `busybox:1` are one; so are `busybox` and `busybox:latest`. */
function plainName(name: string): string {
  const short = name.replace(/^docker\.io\//, '').replace(/^library\//, '');
  return /[:@][^/]+$/.test(short) ? short : `${short}:latest`;
}

function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${bytes} B` : `${size.toFixed(1)} ${units[unit]}`;
}
