// The probes of one running container: startup first; once it succeeded, liveness and readiness, each at its own pace.
import type { Container, Pod, Probe } from '../../../generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { PodEvents } from '../events.ts';
import type { ContainerRuntime } from '../runtime/runtime.ts';
import { ProbeCounter } from './probe-counter.ts';
import { type ProbeOutcome, runProbe } from './run-probe.ts';

export interface ContainerProbesOptions {
  readonly pod: Pod;
  readonly container: Container;
  readonly containerId: string;
  readonly startedAtMs: number;
  readonly podIP: () => string;
  readonly runtime: ContainerRuntime;
  readonly events: PodEvents;
  readonly clock: Clock;
  /** What it was before the agent restarted. */
  readonly wasReady: boolean;
  readonly wasStarted: boolean;
  readonly onChange: () => void;
}

type Kind = 'Startup' | 'Liveness' | 'Readiness';

export class ContainerProbes {
  readonly #options: ContainerProbesOptions;
  readonly #stop = new AbortController();
  readonly #stopKilling = new AbortController();
  isStarted: boolean;
  isReady: boolean;
  failure: 'liveness' | 'startup' | undefined;

  constructor(options: ContainerProbesOptions) {
    this.#options = options;
    const { startupProbe, readinessProbe } = options.container;
    this.isStarted = !startupProbe || options.wasStarted;
    this.isReady = this.isStarted && (!readinessProbe || options.wasReady);
    if (startupProbe && !this.isStarted) void this.#startup(startupProbe);
    else this.#others();
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
    const { clock, startedAtMs } = this.#options;
    const counter = new ProbeCounter(probe);
    const delayMs = (probe.initialDelaySeconds ?? 0) * 1000 - (clock.now() - startedAtMs);
    if (delayMs > 0) await clock.sleep(delayMs, signal);
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    while (!signal.aborted) {
      const begunMs = clock.monotonicMs();
      const outcome = await this.#run(kind, probe);
      if (signal.aborted) return;
      const verdict = counter.add(outcome.isSuccess);
      if (verdict !== undefined && onVerdict(verdict)) return;
      // Not ready yet is asked again soon, so that a start is not a whole period late.
      const isWaiting = kind !== 'Liveness' && !outcome.isSuccess && !this.isReady && clock.now() - startedAtMs < 2_000;
      await clock.sleep(
        Math.max(isWaiting ? 100 : 10, (isWaiting ? 100 : periodMs) - (clock.monotonicMs() - begunMs)),
        signal,
      );
    }
  }

  async #run(kind: Kind, probe: Probe): Promise<ProbeOutcome> {
    const { pod, container, containerId, podIP, runtime, events } = this.#options;
    const outcome = await runProbe(probe, { container, containerId, podIP: podIP(), runtime });
    if (!outcome.isSuccess && !this.#stop.signal.aborted)
      events.container(pod, container.name, 'Warning', 'Unhealthy', `${kind} probe failed: ${outcome.output}`);
    return outcome;
  }
}
