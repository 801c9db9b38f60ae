// The pods of this node: a worker for each, made and ended as their objects come and go; what belongs to no pod is removed.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../../generated/core-v1.ts';
import { every } from '../../base/clock.ts';
import type { Informer } from '../../reconcile/informer.ts';
import { keepLogsSmall, type LogLimits } from '../server/log-rotation.ts';
import { type Rejection, rejectionOf, resizeProblemOf } from './admission.ts';
import { hostRejectionOf } from './host-admission.ts';
import { orphanPod } from './orphan-pod.ts';
import { asApiPod, isCriticalPod, isMirrorPod, isStaticPod, type PodEnding } from './pod-ending.ts';
import { podLogDir } from './pod-log-dir.ts';
import type { PodServices } from './pod-services.ts';
import { PodWorker } from './pod-worker.ts';
import { preemptionEnding, shortages, victimsFor } from './preemption.ts';

export interface PodManagerOptions {
  readonly services: PodServices;
  readonly pods: Informer<Pod>;
  /** Where one manager has the pods of several nodes: the services of a pod's node, or undefined for a node of others. */
  readonly servicesFor?: (pod: Pod) => PodServices | undefined;
  /** What else may keep a pod from this node; asked before its resources are counted. */
  readonly admission?: (pod: Pod) => Rejection | undefined;
  /** What pods work with that do not come from the API server. */
  readonly staticServices?: (pod: Pod) => PodServices;
  /** Of a real node: how large logs become, and how often volumes are looked at again. */
  readonly upkeep?: LogLimits & { readonly syncMs: number };
}

const relistMs = 10_000;
const housekeepingMs = 60_000;

export class PodManager {
  readonly #services: PodServices;
  readonly #informer: Informer<Pod>;
  readonly #servicesFor: (pod: Pod) => PodServices | undefined;
  readonly #admission: (pod: Pod) => Rejection | undefined;
  readonly #upkeep: PodManagerOptions['upkeep'];
  readonly #workers = new Map<string, PodWorker>();
  readonly #staticServices: (pod: Pod) => PodServices;
  /** By source, then by uid. */
  readonly #statics = new Map<string, ReadonlyMap<string, Pod>>();
  /** Critical pods whose room is being made. */
  readonly #makingRoom = new Set<string>();
  /** What runs is known: pods of this machine may start. */
  #isReady = false;
  /** What the API server wants is known as well. */
  #isOpen = false;
  #hasAllSources = true;

  constructor({ services, pods, servicesFor, admission, staticServices, upkeep }: PodManagerOptions) {
    this.#services = services;
    this.#upkeep = upkeep;
    this.#admission = admission ?? (() => undefined);
    this.#servicesFor = servicesFor ?? (() => services);
    this.#staticServices = staticServices ?? (this.#servicesFor as (pod: Pod) => PodServices);
    this.#informer = pods;
    pods.onChange({
      added: (pod) => this.#update(asApiPod(pod)),
      updated: (pod, before) => {
        if (pod.metadata.uid !== before.metadata.uid) this.#remove(before);
        this.#update(asApiPod(pod));
      },
      deleted: (pod) => this.#remove(pod),
    });
  }

  /** Of static pods themselves, not of what shows them. */
  pods(): readonly Pod[] {
    return [...this.#apiPods(), ...this.#staticPods()];
  }

  /** These are all pods of a source on this machine, now. */
  setStaticPods(source: string, pods: readonly Pod[]): void {
    const before = this.#statics.get(source);
    const now = new Map(pods.map((pod) => [pod.metadata.uid!, pod]));
    this.#statics.set(source, now);
    for (const uid of before?.keys() ?? []) if (!now.has(uid)) this.#workers.get(uid)?.remove();
    this.#startStatic();
  }

  /** Until all of them have spoken, nothing is taken to belong to nobody. */
  expectSources(hasAll: boolean): void {
    this.#hasAllSources = hasAll;
  }

  #apiPods(): Pod[] {
    return this.#informer
      .list()
      .filter((pod) => !isMirrorPod(pod))
      .map(asApiPod);
  }

  #staticPods(): Pod[] {
    return [...this.#statics.values()].flatMap((pods) => [...pods.values()]);
  }

  /** One that has another's name waits until that is gone. */
  #startStatic(): void {
    if (!this.#isReady) return;
    for (const pod of this.#staticPods())
      if (!this.#workers.has(pod.metadata.uid!) && !this.#isNameTaken(pod)) this.#update(pod);
  }

  #isNameTaken({ metadata: { namespace, name, uid } }: Pod): boolean {
    const { tracker } = this.#services;
    const present = [...this.#workers.values()].map(({ pod }) => pod);
    const left = [...tracker.podUids()].flatMap((each) => orphanPod(each, tracker.stateOf(each)) ?? []);
    return [...present, ...left].some(
      ({ metadata }) => metadata.uid !== uid && metadata.name === name && metadata.namespace === namespace,
    );
  }

  /** A pod that has a worker here, as it is now. */
  find(uid: string): Pod | undefined {
    return this.#workers.get(uid)?.pod;
  }

  /** Pods of which something may run, or may still be started. */
  activePods(): readonly Pod[] {
    return [...this.#workers.values()].flatMap((worker) => (worker.mayRun ? [worker.pod] : []));
  }

  activePodUids(): ReadonlySet<string> {
    return new Set(this.activePods().map(({ metadata }) => metadata.uid!));
  }

  /** Those that have room here and have not ended. */
  occupants(): readonly Pod[] {
    return [...this.#workers.values()].filter(({ takesRoom }) => takesRoom).map(({ pod }) => pod);
  }

  /** Nothing of it runs, nor will. */
  hasEnded(podUid: string): boolean {
    return this.#workers.get(podUid)?.hasEnded ?? false;
  }

  /** Ends a pod by the node's own decision; settles when nothing of it runs. */
  async end({ metadata }: Pod, ending: PodEnding): Promise<void> {
    await this.#workers.get(metadata.uid!)?.terminate(ending);
  }

  /** Another node's pods are this manager's from now on. */
  nodeJoined(nodeName: string): void {
    for (const pod of this.#apiPods()) if (pod.spec.nodeName === nodeName) this.#update(pod);
  }

  runtimeChanged(podUid: string): void {
    this.#workers.get(podUid)?.runtimeChanged();
  }

  referencesChanged(podUids: ReadonlySet<string>): void {
    for (const uid of podUids) this.#workers.get(uid)?.referencesChanged();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { tracker, runtime, clock } = this.#services;
    await tracker.relist();
    // Only now is it known what runs: a worker that started earlier would start everything again.
    while (tracker.error && !signal.aborted) {
      await clock.sleep(500, signal);
      await tracker.relist();
    }
    this.#isReady = true;
    this.#startStatic();
    await Promise.all([
      this.#followApi(signal),
      // What is simulated tells everything by itself.
      this.#services.isSimulated
        ? runtime.watchEvents((id) => void (id && tracker.lookAfterExit(id)), signal)
        : this.#watchMachine(signal),
    ]);
    await Promise.all([...this.#workers.values()].map((worker) => worker.detach()));
  }

  /** Static pods do not wait for it. */
  async #followApi(signal: AbortSignal): Promise<void> {
    const { clock } = this.#services;
    while (!(this.#informer.hasSynced && this.#services.servicesSynced()) && !signal.aborted)
      await clock.sleep(5, signal);
    if (signal.aborted) return;
    this.#isOpen = true;
    for (const pod of this.#apiPods()) this.#update(pod);
    if (this.#services.isSimulated) return;
    await this.#removeOrphans().catch((error) =>
      this.#services.log.warn('orphans were not removed', { error: String(error) }),
    );
  }

  async #watchMachine(signal: AbortSignal): Promise<void> {
    const { runtime, tracker } = this.#services;
    await Promise.all([
      runtime.watchEvents(
        (id) => void (id ? tracker.lookAfterExit(id) : tracker.relist()).catch(() => undefined),
        signal,
      ),
      this.#relists(signal),
      this.#housekeeping(signal),
      ...(this.#upkeep
        ? [keepLogsSmall(this.#services, this.#upkeep, signal), this.#refreshes(this.#upkeep.syncMs, signal)]
        : []),
    ]);
  }

  /** Containers, sandboxes and logs of a pod that has ended for good. */
  async removeRuntimeState(podUid: string): Promise<void> {
    const { runtime, tracker, log } = this.#services;
    const worker = this.#workers.get(podUid);
    if (worker?.isDone) this.#workers.delete(podUid);
    try {
      const { containers, sandboxes } = tracker.stateOf(podUid);
      for (const { id } of containers) {
        await runtime.removeContainer(id);
        tracker.forgetContainer(id);
      }
      for (const { id } of sandboxes) {
        await runtime.removeSandbox(id);
        tracker.forgetSandbox(id);
      }
      if (worker) await rm(podLogDir(this.#services.logDir, worker.pod), { recursive: true, force: true });
    } catch (error) {
      log.warn('what a pod left in the runtime was not removed yet', { pod: podUid, error: String(error) });
    }
    this.#startStatic();
  }

  #update(pod: Pod): void {
    const isStatic = isStaticPod(pod);
    if (!(isStatic ? this.#isReady : this.#isOpen) || isMirrorPod(pod)) return;
    const uid = pod.metadata.uid!;
    let worker = this.#workers.get(uid);
    if (!worker) {
      const services = isStatic ? this.#staticServices(pod) : this.#servicesFor(pod);
      if (!services || this.#isMakingRoom(pod, services)) return;
      const resizeProblem = (wished: Pod) =>
        resizeProblemOf(wished, this.#othersThan(uid), services.factsFor(wished, []));
      worker = new PodWorker(services, pod, { rejection: this.#rejectionOf(pod, services), resizeProblem });
      this.#workers.set(uid, worker);
    }
    worker.update(pod);
  }

  /** Only for pods that have not begun here: those that ran before the agent started go on. */
  #rejectionOf(pod: Pod, services: PodServices): Rejection | undefined {
    const { sandboxes } = services.tracker.stateOf(pod.metadata.uid!);
    const hasBegun = sandboxes.length > 0 || (pod.status?.phase ?? 'Pending') !== 'Pending';
    if (services.isSimulated || hasBegun || pod.metadata.deletionTimestamp) return undefined;
    return (
      this.#admission(pod) ??
      (services.host && hostRejectionOf(pod, services.host)) ??
      rejectionOf(pod, this.#othersThan(pod.metadata.uid!), services.factsFor(pod, []))
    );
  }

  /** Whether others end for its sake now: it is looked at again when they have. */
  #isMakingRoom(pod: Pod, services: PodServices): boolean {
    const uid = pod.metadata.uid!;
    if (this.#makingRoom.has(uid)) return true;
    const rejection = isCriticalPod(pod) ? this.#rejectionOf(pod, services) : undefined;
    if (!rejection?.reason.startsWith('OutOf')) return false;
    const others = this.#othersThan(uid);
    let victims: Pod[];
    try {
      victims = victimsFor(pod, others, shortages(pod, others, services.factsFor(pod, [])));
    } catch (error) {
      services.log.warn('no room can be made for a critical pod', { pod: pod.metadata.name, error: String(error) });
      return false;
    }
    this.#makingRoom.add(uid);
    const { reason, message } = preemptionEnding;
    for (const victim of victims) services.events.pod(victim, 'Warning', reason, message);
    void Promise.all(victims.map((victim) => this.end(victim, preemptionEnding))).then(() => {
      this.#makingRoom.delete(uid);
      const wanted = this.pods().find(({ metadata }) => metadata.uid === uid);
      if (wanted) this.#update(wanted);
    });
    return victims.length > 0;
  }

  #othersThan(uid: string): Pod[] {
    return [...this.#workers].flatMap(([other, worker]) => (other !== uid && worker.takesRoom ? [worker.pod] : []));
  }

  #remove(pod: Pod): void {
    this.#workers.get(pod.metadata.uid!)?.remove();
  }

  async #relists(signal: AbortSignal): Promise<void> {
    const { tracker, clock } = this.#services;
    for await (const _ of every(clock, relistMs, signal))
      if (this.#workers.size > 0 || tracker.podUids().size > 0) await tracker.relist();
  }

  async #housekeeping(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#services;
    for await (const _ of every(clock, housekeepingMs, signal)) {
      try {
        await this.#removeOrphans();
      } catch (error) {
        log.warn('housekeeping stopped early', { error: String(error) });
      }
    }
  }

  async #refreshes(syncMs: number, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#services;
    for await (const _ of every(clock, syncMs, signal))
      for (const worker of this.#workers.values())
        await worker
          .refreshVolumes()
          .catch((error) => log.warn('volumes were not refreshed', { error: String(error) }));
  }

  /** What a pod left that was deleted while we were away. */
  async #removeOrphans(): Promise<void> {
    if (!this.#isOpen || !this.#hasAllSources) return;
    const { tracker, volumes, cgroups, logDir, log } = this.#services;
    const known = new Set([...this.#workers.keys(), ...this.pods().map(({ metadata }) => metadata.uid!)]);
    for (const uid of tracker.podUids()) {
      if (known.has(uid)) continue;
      const pod = orphanPod(uid, tracker.stateOf(uid));
      if (!pod) continue;
      const worker = new PodWorker(this.#services, pod);
      this.#workers.set(uid, worker);
      worker.remove();
      known.add(uid);
    }
    for (const uid of await volumes.podUids()) {
      if (known.has(uid)) continue;
      // Its volumes may be of a driver that is not here yet; the others' are not to wait for it.
      await volumes
        .tearDown(uid)
        .catch((error) => log.warn('volumes of a pod that is gone stay', { pod: uid, error: String(error) }));
    }
    for (const uid of await cgroups.podUids()) if (!known.has(uid)) await cgroups.removePod(uid);
    for (const name of await readdir(logDir).catch(() => []))
      if (!known.has(name.slice(name.lastIndexOf('_') + 1)))
        await rm(join(logDir, name), { recursive: true, force: true });
  }
}
