// Brings one pod to what its object asks for, and tells its status. Everything that happens to the pod comes here as
// "look again": its object changed, something in the runtime did, a probe changed its mind, a wait is over.
import type { Pod } from '../../../generated/core-v1.ts';
import { isFinished } from '../../api/core/pod-phase.ts';
import { untilSettled } from '../../base/signals.ts';
import type { SandboxConfig, SandboxStatus, UserNamespace } from '../runtime/runtime.ts';
import { saysMore, withLatestStatus } from '../status/latest-status.ts';
import { podStatus, rejectedStatus } from '../status/pod-status.ts';
import { shouldRestart } from '../status/restart-policy.ts';
import type { PodStatusSink } from '../status/status-writer.ts';
import { volumeReferences } from '../volumes/volume-manager.ts';
import type { PodAdmission, Rejection } from './admission.ts';
import { graceOf } from './grace.ts';
import { containerSpec, killContainer, killPod, takeAway } from './kill-containers.ts';
import { letGo } from './let-go.ts';
import { type PodPlan, planPod, type StartStep } from './plan.ts';
import { PodDeviceSteps } from './pod-device-steps.ts';
import type { PodEnding } from './pod-ending.ts';
import { PodEntry } from './pod-entry.ts';
import { pullImageVolumes, pullSecretsOf } from './pod-images.ts';
import { podLogDir } from './pod-log-dir.ts';
import { podReferences } from './pod-references.ts';
import { PodSandbox } from './pod-sandbox.ts';
import type { PodServices } from './pod-services.ts';
import { PodVolumeSteps } from './pod-volume-steps.ts';
import { ProbeSet } from './probe-set.ts';
import { ReplacementGap } from './replacement-gap.ts';
import { PodResize, resizeRetryMs } from './resize.ts';
import type { ContainerRecord } from './runtime-tracker.ts';
import { sandboxConfig } from './sandbox-config.ts';
import { StartBackoff } from './start-backoff.ts';
import { startContainer } from './start-container.ts';

/** How long a stopping agent waits for what it is in the middle of. */
const detachMs = 1_000;
const killedCode = 137;

export class PodWorker {
  readonly #services: PodServices;
  readonly #uid: string;
  readonly #sink: PodStatusSink;
  readonly #probes: ProbeSet;
  readonly #backoff: StartBackoff;
  readonly #sandbox: PodSandbox;
  readonly #devices: PodDeviceSteps;
  readonly #entry: PodEntry;
  readonly #volumes: PodVolumeSteps;
  readonly #gap: ReplacementGap;
  readonly #firstSeenMs: number;
  #pod: Pod;
  #isRemoved = false;
  #isDirty = false;
  #loop: Promise<void> | undefined;
  #wake: { readonly atMs: number; readonly timer: Disposable } | undefined;
  #abort = new AbortController();
  /** Why the node itself ends it. */
  #ending: PodEnding | undefined;
  readonly #stopped = Promise.withResolvers<void>();
  /** Why it may not start here at all. */
  #rejection: Rejection | undefined;
  readonly #resize: PodResize;
  /** As the API has it; `#pod` has the resources that it is allowed. */
  #wished: Pod;
  /** All has been stopped for good, and what the pod used is given back. */
  #isStopped = false;
  #isDone = false;
  #isRestartingAll = false;
  /** Containers that were ended for them to start again. */
  readonly #toRestart = new Set<string>();
  #isDetached = false;

  constructor(services: PodServices, pod: Pod, { rejection, resizeProblem }: PodAdmission = {}) {
    this.#services = services;
    this.#pod = pod;
    this.#wished = pod;
    this.#resize = new PodResize(services, pod, resizeProblem ?? (() => undefined));
    this.#reject(rejection);
    this.#uid = pod.metadata.uid!;
    this.#sink = services.statusSink();
    this.#firstSeenMs = services.clock.now();
    this.#backoff = new StartBackoff(services);
    this.#sandbox = new PodSandbox(services);
    this.#devices = new PodDeviceSteps(services);
    this.#entry = new PodEntry(services);
    this.#volumes = new PodVolumeSteps(services, (delayMs) => this.#wakeIn(delayMs));
    const isRunning = (id: string) =>
      services.tracker
        .stateOf(this.#uid)
        .containers.some((each) => each.id === id && each.state === 'CONTAINER_RUNNING');
    this.#gap = new ReplacementGap({ clock: services.clock, isRunning, onOver: () => this.#tell() });
    this.#probes = new ProbeSet(services, () => {
      this.#tell();
      this.poke();
    });
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** It has room on this node, and may still need it. */
  get takesRoom(): boolean {
    return !this.#rejection && !this.#isRemoved && !this.#isStopped && !isFinished(this.#pod);
  }

  /** Something of it runs, or may be started. */
  get mayRun(): boolean {
    return !this.#rejection && !this.#isStopped;
  }

  /** Nothing of it runs, nor will; what it was stays known. */
  get hasEnded(): boolean {
    return this.#isStopped;
  }

  /** Everything of the pod is gone from this node. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The pod's object is new or has changed. */
  update(pod: Pod): void {
    const before = this.#pod;
    this.#wished = pod;
    this.#takeWishes();
    this.#services.references.retain(this.#uid, [...volumeReferences(pod), ...podReferences(pod)]);
    if (pod.metadata.deletionTimestamp && !before.metadata.deletionTimestamp) this.#beginEnd();
    else if (pod.metadata.deletionTimestamp && graceOf(pod) < graceOf(before)) void this.#hurry();
    if (before.metadata.labels !== pod.metadata.labels || before.metadata.annotations !== pod.metadata.annotations)
      void this.refreshVolumes();
    this.poke();
  }

  #takeWishes(): void {
    if (!this.#isStopped && !this.#rejection) this.#resize.wish(this.#wished);
    this.#pod = this.#resize.allowed(this.#wished);
  }

  /** The object is gone: stop what runs. */
  remove(): void {
    this.#isRemoved = true;
    this.#beginEnd();
    this.poke();
  }

  /** Ends the pod; its object stays, and says why. Settles when nothing of it runs. */
  terminate(ending: PodEnding): Promise<void> {
    if (!this.#isStopped) {
      const isHurried = this.#ending !== undefined;
      this.#ending ??= ending;
      this.#beginEnd();
      if (isHurried) void this.#hurry(ending.graceSeconds);
      this.poke();
    }
    return this.#stopped.promise;
  }

  /** Look again. */
  poke(): void {
    this.#isDirty = true;
    this.#loop ??= this.#run();
  }

  /** Something in the runtime changed: tell it at once, then look again. */
  runtimeChanged(): void {
    if (!this.#isDetached) this.#probes.follow(this.#pod);
    this.#tell();
    this.poke();
  }

  /** An object that the pod refers to changed: try at once what failed for want of it. */
  referencesChanged(): void {
    this.#backoff.retryNow();
    void this.refreshVolumes();
    this.poke();
  }

  async refreshVolumes(): Promise<void> {
    if (!this.#isStopped) await this.#volumes.refresh(this.#pod, this.#facts());
  }

  /** Lets go without touching what runs: the agent stops. */
  async detach(): Promise<void> {
    this.#isDetached = true;
    this.#abort.abort();
    this.#wake?.timer[Symbol.dispose]();
    this.#gap.close();
    this.#probes.stop();
    this.#sink.close();
    // A container may take its whole grace period to end; it will, without us.
    await Promise.race([this.#loop, this.#services.clock.sleep(detachMs)]);
  }

  #beginEnd(): void {
    this.#abort.abort();
    this.#probes.stopKilling();
  }

  /** Asked to end sooner than before. */
  async #hurry(graceSeconds = this.#graceSeconds): Promise<void> {
    const { runtime, tracker } = this.#services;
    for (const record of tracker.stateOf(this.#uid).containers)
      if (record.state === 'CONTAINER_RUNNING')
        await runtime.stopContainer(record.id, graceSeconds).catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (this.#isDirty && !this.#isDetached && !this.#isDone) {
      this.#isDirty = false;
      try {
        await this.#sync();
      } catch (error) {
        if (this.#isDetached) break;
        this.#services.log.error('pod could not be brought forward', error, { pod: this.#pod.metadata.name });
        this.#wakeIn(this.#sandbox.retryMs);
      }
      if (!this.#isDirty) this.#gap.close();
      if (!this.#isDone) this.#tell();
    }
    this.#loop = undefined;
  }

  async #sync(): Promise<void> {
    if (!this.#isDetached) this.#probes.follow(this.#pod);
    if (this.#isRemoved || this.#pod.metadata.deletionTimestamp) return this.#end();
    if (this.#isStopped) return this.#volumes.isOwed ? void (await this.#volumes.unmount(this.#pod)) : undefined;
    if (isFinished(this.#pod) || this.#rejection || this.#ending || this.#isPastDeadline()) return this.#stop();
    this.#reject(await this.#entry.admit(this.#pod));
    if (this.#rejection) return this.#stop();
    await this.#applyResources();
    this.#tell(false);
    const plan = planPod(this.#pod, this.#services.tracker.stateOf(this.#uid), {
      failureOf: (_, id) => this.#probes.of(id)?.failure,
      isStarted: (_, id) => this.#probes.of(id)?.isStarted ?? false,
      isToRestart: (id) => this.#toRestart.has(id),
    });
    if (plan.isOver) return this.#stop();
    if (plan.reset) return this.#startAnew(plan.reset);
    await this.#apply(plan);
  }

  async #startAnew(records: readonly ContainerRecord[]): Promise<void> {
    this.#isRestartingAll = true;
    this.#tell();
    await takeAway(this.#services, this.#pod, records);
    this.#tell();
    this.#isRestartingAll = false;
    this.#isDirty = true;
  }

  #reject(rejection: Rejection | undefined): void {
    this.#rejection ??= rejection;
    if (rejection) this.#services.events.pod(this.#pod, 'Warning', rejection.reason, rejection.message);
  }

  async #applyResources(): Promise<void> {
    if (this.#resize.isOpen) this.#takeWishes();
    const { containers } = this.#services.tracker.stateOf(this.#uid);
    const running = containers.filter(({ state }) => state === 'CONTAINER_RUNNING');
    for (const record of await this.#resize.apply(this.#pod, running)) this.#restarts(record);
    if (this.#resize.isOpen) this.#wakeIn(resizeRetryMs);
  }

  /** Another program than it was starts whatever the policy says. */
  #restarts({ id, name }: ContainerRecord, isOther = false): void {
    const container = containerSpec(this.#pod, name);
    if (container && (isOther || shouldRestart(container, this.#pod.spec, killedCode, false))) this.#toRestart.add(id);
    this.#isDirty = true;
  }

  async #apply(plan: PodPlan): Promise<void> {
    const pod = this.#pod;
    const graceSeconds = pod.spec.terminationGracePeriodSeconds ?? 30;
    for (const { record, message, cause } of plan.kill) {
      const probe = containerSpec(pod, record.name)?.[cause === 'startup' ? 'startupProbe' : 'livenessProbe'];
      const ownGrace = cause === 'changed' ? undefined : probe?.terminationGracePeriodSeconds;
      // Known before it ends, for its end not to be taken for the pod's.
      this.#restarts(record, cause === 'changed');
      if (cause === 'changed') this.#gap.begin(record.name, record.id);
      await killContainer(this.#services, record, { pod, graceSeconds: ownGrace ?? graceSeconds, message });
    }
    if (plan.sandboxAttempt === undefined && plan.start.length === 0) return void (await this.#ensureVolumes());
    const steps = plan.start.filter((step) => !this.#isBackingOff(step));
    if (plan.sandboxAttempt === undefined && steps.length === 0) return;
    const { tracker } = this.#services;
    const attempt = plan.sandboxAttempt ?? tracker.stateOf(this.#uid).sandboxes[0]!.metadata.attempt;
    const found = await this.#sandbox.users(this.#pod);
    if ('retryInMs' in found) return this.#wakeIn(found.retryInMs);
    const config = this.#sandboxConfig(attempt, found.users);
    // Volumes and sandbox do not need each other; containers need both.
    const [sandbox, hasVolumes] = await Promise.all([
      plan.sandboxAttempt === undefined ? tracker.stateOf(this.#uid).sandboxes[0] : this.#createSandbox(config),
      this.#ensureVolumes(),
    ]);
    if (!sandbox || !hasVolumes || !(await this.#isProtected(sandbox))) return;
    await this.#startAll(steps, sandbox, config);
  }

  /** Waits for the network to hold the pod to its policies. False when the pod is to end meanwhile. */
  async #isProtected({ ips }: SandboxStatus): Promise<boolean> {
    const { signal } = this.#abort;
    const { beforeStart } = this.#services;
    if (beforeStart && !this.#pod.spec.hostNetwork) await untilSettled(beforeStart(this.#pod, ips), signal);
    return !signal.aborted;
  }

  async #startAll(steps: readonly StartStep[], sandbox: SandboxStatus, config: SandboxConfig): Promise<void> {
    const { signal } = this.#abort;
    const pullSecrets = await pullSecretsOf(this.#services, this.#pod);
    const imageVolumes = await pullImageVolumes(this.#services, this.#pod, { sandbox: config, pullSecrets, signal });
    for (const step of steps) {
      if (signal.aborted) return;
      const input = {
        pod: this.#pod,
        step,
        sandbox,
        sandboxConfig: config,
        volumes: this.#volumes.ready!,
        hasRecursiveReadOnly: this.#entry.hasRecursiveReadOnly,
        pullSecrets,
        imageVolumes,
        signal,
      };
      const outcome = await startContainer(this.#services, input);
      const { name } = step.container;
      this.#gap.close(name);
      if (outcome) {
        this.#backoff.failed(name, outcome);
        this.#wakeIn(outcome.retryAfterMs);
        if (step.kind === 'init') return;
      } else {
        this.#backoff.started(name);
        this.#isDirty = true;
        await this.#forgetOldInstances(name);
      }
      this.#tell();
    }
  }

  /** Of the dead, only the newest is kept: for `logs --previous` and the last state. */
  async #forgetOldInstances(name: string): Promise<void> {
    const { runtime, tracker } = this.#services;
    const instances = tracker.stateOf(this.#uid).containers.filter((each) => each.name === name);
    for (const { id, state } of instances.slice(2)) {
      if (state === 'CONTAINER_RUNNING') continue;
      await runtime.removeContainer(id);
      tracker.forgetContainer(id);
      this.#toRestart.delete(id);
    }
  }

  #isBackingOff(step: StartStep): boolean {
    const waitMs = this.#backoff.waitMs(this.#pod, step);
    if (waitMs > 0) this.#wakeIn(waitMs);
    return waitMs > 0;
  }

  #sandboxConfig(attempt: number, users: UserNamespace | undefined): SandboxConfig {
    const { dns, security, cgroups, logDir, cpuLimits } = this.#services;
    return sandboxConfig(this.#pod, {
      dns: dns(),
      security,
      logDirectory: podLogDir(logDir, this.#pod),
      cgroupParent: cgroups.pathOf(this.#pod),
      attempt,
      cpuLimits,
      ...(users ? { users } : {}),
    });
  }

  async #createSandbox(config: SandboxConfig): Promise<SandboxStatus | undefined> {
    const made = (await this.#devices.prepare(this.#pod)) ?? (await this.#sandbox.create(this.#pod, config));
    return 'retryInMs' in made ? void this.#wakeIn(made.retryInMs) : made;
  }

  #ensureVolumes(): Promise<boolean> {
    return this.#volumes.ensure(this.#pod, this.#facts(), this.#abort.signal);
  }

  #facts() {
    const ips = this.#services.tracker.stateOf(this.#uid).sandboxes[0]?.ips ?? [];
    return this.#services.factsFor(
      this.#pod,
      ips.length > 0 ? ips : this.#pod.spec.hostNetwork ? this.#services.hostIPs : [],
    );
  }

  #isPastDeadline(): boolean {
    const { activeDeadlineSeconds } = this.#pod.spec;
    if (activeDeadlineSeconds === undefined) return false;
    const { clock, events } = this.#services;
    const startedMs = this.#pod.status?.startTime ? Date.parse(this.#pod.status.startTime) : this.#firstSeenMs;
    const leftMs = startedMs + activeDeadlineSeconds * 1000 - clock.now();
    if (leftMs > 0) {
      this.#wakeIn(leftMs);
      return false;
    }
    const message = 'Pod was active on the node longer than the specified deadline';
    events.pod(this.#pod, 'Normal', 'DeadlineExceeded', message);
    this.#ending = { reason: 'DeadlineExceeded', message };
    return true;
  }

  /** The pod is over, its object stays: nothing runs any more. */
  async #stop(): Promise<void> {
    await this.#stopRunning();
    await this.#devices.unprepare(this.#pod);
    this.#isStopped = true;
    this.#tell();
    await this.#sink.flush();
    this.#stopped.resolve();
    await this.#services.cgroups.removePod(this.#uid);
    if (!this.#isDetached) await this.#volumes.unmount(this.#pod);
  }

  /** The pod was deleted: stop it, tell how it ended, give back what it used, let the object go. */
  async #end(): Promise<void> {
    const { cgroups, images, references, restarts } = this.#services;
    await this.#stopRunning(this.#isRemoved ? undefined : letGo(this.#services, this.#pod));
    await this.#devices.unprepare(this.#pod);
    this.#isStopped = true;
    this.#stopped.resolve();
    if (!this.#isRemoved) {
      this.#tell();
      await this.#sink.flush();
    }
    if (this.#isDetached) return;
    if (!(await this.#volumes.tearDown(this.#pod))) return;
    await cgroups.removePod(this.#uid);
    if (!this.#isRemoved) await this.#services.deletePod(this.#pod);
    this.#sink.close();
    references.retain(this.#uid, []);
    images.forget(this.#uid);
    this.#services.users?.release(this.#uid);
    restarts.forgetAll(this.#uid);
    this.#wake?.timer[Symbol.dispose]();
    this.#isDone = true;
    await this.#services.removeRuntimeState(this.#pod);
  }

  async #stopRunning(beforeSignal?: Promise<void>): Promise<void> {
    this.#gap.close();
    const pod = this.#pod;
    const options = { pod, graceSeconds: this.#graceSeconds, ...(beforeSignal ? { beforeSignal } : {}) };
    await killPod(this.#services, options).catch((error) => {
      const text = `error killing pod: ${(error as Error).message}`;
      if (!this.#isDetached) this.#services.events.pod(pod, 'Warning', 'FailedKillPod', text);
      throw error;
    });
    this.#probes.stop();
  }

  /** Seconds to end: those of a deletion, else what the node leaves it. */
  get #graceSeconds(): number {
    const own = graceOf(this.#pod);
    const { graceSeconds = own } = this.#ending ?? {};
    return this.#pod.metadata.deletionTimestamp ? Math.min(own, graceSeconds) : graceSeconds;
  }

  /** Computes the status and hands it on. */
  #tell(isUrgent = true): void {
    if (this.#isRemoved || this.#isDetached || this.#isDone || this.#gap.holdsBack()) return;
    const { tracker, clock, hostIPs, runtimeName } = this.#services;
    if (this.#rejection) {
      this.#sink.set(this.#pod, rejectedStatus(this.#pod, this.#rejection, this.#firstSeenMs), true);
      return;
    }
    const latest = this.#sink.latest;
    const status = podStatus({
      pod: latest ? withLatestStatus(this.#pod, latest) : this.#pod,
      runtime: tracker.stateOf(this.#uid),
      runtimeName,
      failures: this.#backoff.failures,
      probes: {
        isReady: (_, id) => this.#probes.of(id)?.isReady ?? false,
        isStarted: (_, id) => this.#probes.of(id)?.isStarted ?? false,
      },
      isTerminal: this.#isStopped,
      isToRestart: (id) => this.#toRestart.has(id),
      nowMs: clock.now(),
      hostIPs,
      startedAtMs: this.#firstSeenMs,
      ending: this.#isStopped ? this.#ending : undefined,
      resize: this.#resize,
      isRestartingAll: this.#isRestartingAll,
      hasRecursiveReadOnly: this.#entry.hasRecursiveReadOnly,
      devicesOf: (container) => this.#services.devices?.statuses(this.#pod, container) ?? [],
    });
    this.#sink.set(this.#pod, status, isUrgent && saysMore(latest, status));
  }

  #wakeIn(delayMs: number): void {
    const { clock } = this.#services;
    const atMs = clock.monotonicMs() + delayMs;
    if (this.#wake && this.#wake.atMs <= atMs) return;
    this.#wake?.timer[Symbol.dispose]();
    const timer = clock.timer(delayMs, () => {
      this.#wake = undefined;
      this.poke();
    });
    this.#wake = { atMs, timer };
  }
}
