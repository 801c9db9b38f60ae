// The probes of one running container: startup first; once it succeeded, liveness and readiness, each at its own pace.
import type { Container, Pod, Probe } from '../../../generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { PodEvents } from '../events.ts';
import type { ContainerRuntime } from '../runtime/runtime.ts';
import { ProbeCounter } from './probe-counter.ts';
import type { ProbeOutcome } from './probe-outcome.ts';
import type { ProbeRunner } from './run-probe.ts';

export interface ContainerProbesOptions {
  /** As it is now. */
  readonly pod: () => Pod;
  readonly container: Container;
  readonly containerId: string;
  readonly startedAtMs: number;
  readonly podIP: () => string;
  readonly runtime: ContainerRuntime;
  readonly events: PodEvents;
  readonly clock: Clock;
  /** Not ready before so long after its start, though it has no probe that says so. */
  readonly readyDelayMs?: number;
  /** What it was before the agent restarted. */
  readonly wasReady: boolean;
  readonly wasStarted: boolean;
  readonly onChange: () => void;
  readonly probe: ProbeRunner;
}

// A container that has just begun is looked at more often, so that its start is not told a whole period late.
const eagerMs = 3_000;
const eagerPeriodMs = 100;
/** Nobody listens yet in the first moments of a program: that is not worth an event. */
const newbornMs = 250;

type Kind = 'Startup' | 'Liveness' | 'Readiness';

export class ContainerProbes {
  readonly #options: ContainerProbesOptions;
  readonly #stop = new AbortController();
  readonly #stopKilling = new AbortController();
  /** By the clock that nobody sets. A start that has yet to come, since the other was set back, is now. */
  readonly #bornMs: number;
  isStarted: boolean;
  isReady: boolean;
  failure: 'liveness' | 'startup' | undefined;

  constructor(options: ContainerProbesOptions) {
    this.#options = options;
    const { startupProbe, readinessProbe } = options.container;
    const { clock, startedAtMs } = options;
    this.#bornMs = clock.monotonicMs() - Math.max(0, clock.now() - startedAtMs);
    this.isStarted = !startupProbe || options.wasStarted;
    this.isReady = this.isStarted && (options.wasReady || !readinessProbe);
    const leftMs = (options.readyDelayMs ?? 0) - this.#ageMs;
    if (leftMs > 0 && this.isReady && !options.wasReady) this.#delayReady(leftMs);
    if (startupProbe && !this.isStarted) void this.#startup(startupProbe);
    else this.#others();
  }

  get #ageMs(): number {
    return this.#options.clock.monotonicMs() - this.#bornMs;
  }

  /** The container ended. */
  stop(): void {
    this.#stop.abort();
    this.#stopKilling.abort();
  }

  /** The pod is on its way out: readiness is still told, but no probe kills any more. */
  stopKilling(): void {
    this.#stopKilling.abort();
  }

  #delayReady(leftMs: number): void {
    this.isReady = false;
    void this.#options.clock.sleep(leftMs, this.#stop.signal).then(() => {
      if (this.#stop.signal.aborted) return;
      this.isReady = true;
      this.#options.onChange();
    });
  }

  async #startup(probe: Probe): Promise<void> {
    await this.#loop('Startup', probe, this.#stopKilling.signal, (verdict) => {
      if (!verdict) {
        this.failure = 'startup';
      } else {
        this.isStarted = true;
        this.isReady = !this.#options.container.readinessProbe;
        this.#others();
      }
      this.#options.onChange();
      return true;
    });
  }

  #others(): void {
    const { livenessProbe, readinessProbe } = this.#options.container;
    if (livenessProbe)
      void this.#loop('Liveness', livenessProbe, this.#stopKilling.signal, (verdict) => {
        if (verdict) return false;
        this.failure = 'liveness';
        this.#options.onChange();
        return true; // the container will be replaced
      });
    if (readinessProbe)
      void this.#loop('Readiness', readinessProbe, this.#stop.signal, (verdict) => {
        if (this.isReady !== verdict) {
          this.isReady = verdict;
          this.#options.onChange();
        }
        return false;
      });
  }

  /** Until `onVerdict` says it is enough. */
  async #loop(kind: Kind, probe: Probe, signal: AbortSignal, onVerdict: (isGood: boolean) => boolean): Promise<void> {
    const { clock } = this.#options;
    const counter = new ProbeCounter(probe);
    const delayMs = (probe.initialDelaySeconds ?? 0) * 1000 - this.#ageMs;
    if (delayMs > 0) await clock.sleep(delayMs, signal);
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    let countedMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const begunMs = clock.monotonicMs();
      const outcome = await this.#run(probe);
      if (signal.aborted) return;
      // Between the beats of its period a failure means nothing yet; a success need not wait for the next one.
      const isNewborn = kind !== 'Liveness' && this.#ageMs < newbornMs;
      const isOnBeat = !isNewborn && begunMs - countedMs >= periodMs - 5;
      if (isOnBeat || outcome.isSuccess) {
        countedMs = begunMs;
        if (!outcome.isSuccess || outcome.kind) this.#say(kind, outcome);
        // A look that could not be taken tells nothing of the container.
        const verdict = outcome.kind === 'error' ? undefined : counter.add(outcome.isSuccess);
        if (verdict !== undefined && onVerdict(verdict)) return;
      }
      const isEager = kind !== 'Liveness' && !outcome.isSuccess && !this.isReady && this.#ageMs < eagerMs;
      const nextMs = isNewborn && !outcome.isSuccess ? eagerPeriodMs : countedMs + periodMs - clock.monotonicMs();
      await clock.sleep(Math.max(10, isEager ? Math.min(eagerPeriodMs, nextMs) : nextMs), signal);
    }
  }

  async #run(probe: Probe): Promise<ProbeOutcome> {
    const { container, containerId, podIP, runtime } = this.#options;
    return this.#options.probe(probe, { container, containerId, podIP: podIP(), runtime });
  }

  #say(kind: Kind, outcome: ProbeOutcome): void {
    const { container, events } = this.#options;
    const pod = this.#options.pod();
    if (this.#stop.signal.aborted) return;
    const { output } = outcome;
    if (outcome.kind === 'warning') {
      events.container(pod, container.name, 'Warning', 'ProbeWarning', `${kind} probe warning: ${output}`);
      return;
    }
    const how = outcome.kind === 'error' ? 'errored and resulted in unknown state' : 'failed';
    events.container(pod, container.name, 'Warning', 'Unhealthy', `${kind} probe ${how}: ${output}`);
  }
}
