// What the containers of one name use, over all pods of an autoscaler; and what one container of one pod used last.
import { timeMs, timeText } from '../../api/meta/time.ts';
import type { VerticalPodAutoscalerCheckpoint } from '../../api/vertical-pod-autoscaler/types.ts';
import { cpuBuckets, DecayingHistogram, memoryBuckets, sampleWeight } from './histogram.ts';

const checkpointVersion = 'v3';
/** Of each container, the highest use of memory in so long counts. */
const peakIntervalMs = 24 * 3_600_000;
/** After an OOM kill, at least so much more: the larger of the two. */
const oomMinBytes = 100 * 1024 * 1024;
const oomRatio = 1.2;

export class ContainerUsage {
  cpu = new DecayingHistogram(cpuBuckets);
  memory = new DecayingHistogram(memoryBuckets);
  firstMs: number | undefined;
  lastMs: number | undefined;
  samples = 0;

  addCpu(cores: number, atMs: number): void {
    this.cpu.add(cores, sampleWeight, atMs);
    this.lastMs = Math.max(this.lastMs ?? atMs, atMs);
    this.firstMs = Math.min(this.firstMs ?? atMs, atMs);
    this.samples++;
  }

  /** 1 for a day of a sample a minute: how far the bounds can be trusted. */
  get confidence(): number {
    const days = ((this.lastMs ?? 0) - (this.firstMs ?? 0)) / peakIntervalMs;
    return Math.min(days, this.samples / (24 * 60));
  }

  /** @param seen the containers counted here: the peak of the day that has not ended is left out */
  save(seen: Iterable<SeenContainer>, nowMs: number): NonNullable<VerticalPodAutoscalerCheckpoint['status']> {
    const memory = this.memory.copy();
    for (const { peakBytes, windowEndMs } of seen)
      if (peakBytes > 0 && windowEndMs !== undefined && nowMs < windowEndMs) memory.subtract(peakBytes, 1, windowEndMs);
    return {
      lastUpdateTime: timeText(nowMs),
      version: checkpointVersion,
      cpuHistogram: this.cpu.save(),
      memoryHistogram: memory.save(),
      firstSampleStart: this.firstMs === undefined ? null : timeText(this.firstMs),
      lastSampleStart: this.lastMs === undefined ? null : timeText(this.lastMs),
      totalSamplesCount: this.samples,
    };
  }

  static load({ status }: VerticalPodAutoscalerCheckpoint): ContainerUsage | undefined {
    if (status?.version !== checkpointVersion) return undefined;
    const cpu = DecayingHistogram.load(cpuBuckets, status.cpuHistogram ?? {});
    const memory = DecayingHistogram.load(memoryBuckets, status.memoryHistogram ?? {});
    if (!cpu || !memory) return undefined;
    const usage = new ContainerUsage();
    usage.cpu = cpu;
    usage.memory = memory;
    usage.firstMs = timeMs(status.firstSampleStart);
    usage.lastMs = timeMs(status.lastSampleStart);
    usage.samples = status.totalSamplesCount ?? 0;
    return usage;
  }
}

/** One container of one pod: takes its samples in order and hands them on, its memory as one peak a day. */
export class SeenContainer {
  readonly #usage: ContainerUsage;
  #cpuAtMs = Number.NEGATIVE_INFINITY;
  #memoryAtMs = Number.NEGATIVE_INFINITY;
  #usedPeak = 0;
  #oomPeak = 0;
  windowEndMs: number | undefined;

  constructor(usage: ContainerUsage) {
    this.#usage = usage;
  }

  get peakBytes(): number {
    return Math.max(this.#usedPeak, this.#oomPeak);
  }

  add(cores: number, bytes: number, atMs: number): void {
    if (atMs > this.#cpuAtMs) {
      this.#cpuAtMs = atMs;
      this.#usage.addCpu(cores, atMs);
    }
    if (atMs >= this.#memoryAtMs) this.#addMemory(bytes, atMs, false);
  }

  /** It was killed for want of memory: it needs more than it asked for, and more than it was seen to use. */
  killed(requestedBytes: number, atMs: number): void {
    if (this.windowEndMs !== undefined && atMs < this.windowEndMs - peakIntervalMs) return;
    const used = Math.max(requestedBytes, this.#usedPeak);
    this.#addMemory(Math.max(used + oomMinBytes, Math.trunc(used * oomRatio)), atMs, true);
  }

  #addMemory(bytes: number, atMs: number, isOom: boolean): void {
    this.#memoryAtMs = atMs;
    this.windowEndMs ??= atMs;
    if (atMs < this.windowEndMs) {
      const before = this.peakBytes;
      if (before === 0 || bytes <= before) return;
      this.#usage.memory.subtract(before, 1, this.windowEndMs);
    } else {
      const passed = Math.floor((atMs - this.windowEndMs) / peakIntervalMs) * peakIntervalMs;
      this.windowEndMs += passed + peakIntervalMs;
      this.#usedPeak = 0;
      this.#oomPeak = 0;
    }
    this.#usage.memory.add(bytes, 1, this.windowEndMs);
    if (isOom) this.#oomPeak = bytes;
    else this.#usedPeak = bytes;
  }
}
