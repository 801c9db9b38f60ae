// The loop: takes a pod from the queue, decides, counts it on its node at once, and has it bound while it goes on with
// the next. What happens meanwhile: world-watch.ts.
import { podDisruptionBudgetKind, podKind } from '../../generated/kinds.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import type { Clock } from '../base/clock.ts';
import type { Component } from '../base/component.ts';
import type { Logger } from '../base/log.ts';
import { type Random, uuid } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../reconcile/controller.ts';
import type { InformerFactory } from '../reconcile/informer.ts';
import { watchBeside } from './beside-nodes.ts';
import { Binder } from './binder.ts';
import { type BindingSlots, createSlots } from './binding-slots.ts';
import { defaultConfiguration } from './config/configuration.ts';
import type { Configuration } from './config/types.ts';
import { type Decision, describeRefusals } from './cycle.ts';
import { ClaimBindings } from './devices/claim-bindings.ts';
import { ClaimGate } from './devices/claim-gate.ts';
import { Devices } from './devices/devices.ts';
import { planDevices } from './devices/plan.ts';
import { decideExtended } from './extenders/extended-decision.ts';
import { agreedBy, type Extender } from './extenders/extender.ts';
import { figuresOf } from './figures.ts';
import { SchedulerMetrics } from './metrics.ts';
import { NodeCache } from './node-cache.ts';
import { Nominations } from './nominations.ts';
import { PluginError, type Snapshot, type Storage, snapshotOf } from './plugin.ts';
import { claimToDeallocate } from './plugins/dynamic-resources.ts';
import { volumesToBind } from './plugins/volume-binding.ts';
import { PodReporter } from './pod-reporter.ts';
import type { PodView } from './pod-view.ts';
import { Budgets, type Preemption } from './preemption.ts';
import { createExtenders, createProfiles, type SchedulerProfile } from './profiles.ts';
import { SchedulingQueue } from './queue.ts';
import { aboutClaims, lastWords, type Refused } from './refusal-words.ts';
import { watchStorage } from './storage.ts';
import { VolumeBindings } from './volume-bindings.ts';
import { WorldWatch } from './world-watch.ts';

export interface SchedulerOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Default: upstream's default. */
  readonly configuration?: Configuration;
  /** Who tells of pods that asked for this scheduler; default `recorder` for all. */
  readonly recorderFor?: (schedulerName: string) => EventRecorder;
  /** Is given the figures once there are some. */
  readonly onMetrics?: (metrics: SchedulerMetrics) => void;
}

/** Bindings under way at once; beyond that the loop waits, so that a slow server is not buried. */
const maxBinding = 256;
const sliceMs = 5;
export function createScheduler(options: SchedulerOptions): Component {
  return {
    name: 'scheduler',
    run(signal) {
      const scheduler = new Scheduler(options);
      options.onMetrics?.(scheduler.metrics);
      return scheduler.run(signal);
    },
  };
}

class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #cache = new NodeCache();
  readonly #queue: SchedulingQueue;
  readonly #snapshot: Snapshot;
  readonly #nominations = new Nominations((node) => this.#cache.touch(node));
  /** Pods that ask for another scheduler are left to it. */
  readonly #profiles: ReadonlyMap<string, SchedulerProfile>;
  readonly #extenders: readonly Extender[];
  readonly #reporter: PodReporter;
  readonly metrics: SchedulerMetrics;
  readonly #slots: BindingSlots = createSlots(maxBinding);
  readonly #binder: Binder;
  readonly #volumeBindings: VolumeBindings;
  readonly #devices: Devices;
  readonly #claimBindings: ClaimBindings;
  readonly #claimGate: ClaimGate;
  readonly #storage: Storage;
  readonly #world: WorldWatch;
  #budgets: Budgets | undefined;
  readonly #pods;
  #startAt = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const { informers, configuration = defaultConfiguration() } = options;
    this.#queue = new SchedulingQueue(
      options.clock,
      (filter, view, change) => filter.helps?.(view, change, this.#snapshot) ?? true,
      {
        firstMs: configuration.podInitialBackoffSeconds * 1000,
        maxMs: configuration.podMaxBackoffSeconds * 1000,
      },
    );
    this.#pods = informers.informer(podKind);
    this.#volumeBindings = new VolumeBindings(options.client, options.clock);
    const stored = watchStorage(informers, (change) => {
      this.#queue.worldChanged({ type: 'volumes', stored: change });
      this.#volumeBindings.changed();
    });
    this.#devices = new Devices(informers, options.clock, {
      stock: () => this.#queue.worldChanged({ type: 'devices' }),
      claim: (key) => this.#world.claimChanged(key),
      classes: () => this.#cache.forget(),
    });
    this.#claimBindings = new ClaimBindings({ ...options, devices: this.#devices });
    this.#claimGate = new ClaimGate(this.#devices);
    this.#storage = { ...stored, taken: () => this.#volumeBindings.taken() };
    this.#snapshot = snapshotOf(this.#cache, {
      ...watchBeside(informers, {
        all: () => this.#cache.forget(),
        ofNamespace: (namespace) => {
          for (const { decider } of this.#profiles.values()) decider.forgetNamespace(namespace);
        },
      }),
      storage: this.#storage,
      devices: this.#devices,
    });
    this.#profiles = createProfiles(configuration, {
      snapshot: this.#snapshot,
      nominations: this.#nominations,
      random: options.random,
      recorderFor: options.recorderFor ?? (() => options.recorder),
    });
    this.#extenders = createExtenders(configuration);
    this.#reporter = new PodReporter({ ...options, pods: this.#pods });
    const budgetsChanged = () => {
      this.#budgets = undefined;
    };
    informers
      .informer(podDisruptionBudgetKind)
      .onChange({ added: budgetsChanged, updated: budgetsChanged, deleted: budgetsChanged });
    const binding = () => this.#slots.busy + this.#binder.waiting;
    const parts = { queue: this.#queue, gate: this.#claimGate, pods: this.#pods, snapshot: this.#snapshot, binding };
    this.metrics = new SchedulerMetrics(figuresOf(parts));
    this.#queue.onEnter = (queue, event) => this.metrics.queued(queue, event);
    this.#binder = new Binder({
      ...options,
      pods: this.#pods,
      cache: this.#cache,
      queue: this.#queue,
      extenders: this.#extenders,
      reporter: this.#reporter,
      metrics: this.metrics,
      volumeBindings: this.#volumeBindings,
      claimBindings: this.#claimBindings,
      storage: this.#storage,
      profileOf: (view) => this.#profileOf(view),
      tell: (view, error, signal) => this.#tell(view, error, signal),
    });
    this.#world = new WorldWatch({
      informers,
      pods: this.#pods,
      cache: this.#cache,
      queue: this.#queue,
      nominations: this.#nominations,
      claimGate: this.#claimGate,
      claimBindings: this.#claimBindings,
      volumeBindings: this.#volumeBindings,
      isServed: (name) => this.#profiles.has(name),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    using queue = this.#queue;
    const { informers, clock, log } = this.#options;
    await informers.waitForSync(signal);
    const stop = () => queue[Symbol.dispose]();
    signal.addEventListener('abort', stop, { once: true });
    while (!signal.aborted) {
      await queue.wait();
      const sliceEnd = clock.monotonicMs() + sliceMs;
      while (!signal.aborted && clock.monotonicMs() < sliceEnd) {
        const view = queue.take();
        if (!view) break;
        try {
          const extenders = this.#extenders.filter((each) => each.isInterestedIn(view));
          if (extenders.length > 0) await this.#scheduleExtended(view, extenders, signal);
          else this.#schedule(view, signal);
        } catch (error) {
          if (error instanceof PluginError) this.#slots.track(this.#fail(view, error, signal));
          else {
            log.error('scheduling failed', error, { pod: view.key });
            queue.putBack(view.key, { isRetry: true });
          }
        }
        if (this.#slots.isFull) await this.#slots.oneFree();
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await this.#slots.allFree();
    await this.#binder.allDone();
    for (const extender of this.#extenders) extender.close();
  }

  #secondsSince(ms: number): number {
    return (this.#options.clock.monotonicMs() - ms) / 1000;
  }

  /** Of a pod in the queue: there is one, since only such pods get in. */
  #profileOf({ pod }: PodView): SchedulerProfile {
    return this.#profiles.get(pod.spec.schedulerName ?? '')!;
  }

  #schedule(view: PodView, signal: AbortSignal): void {
    const { random } = this.#options;
    const begunMs = this.#options.clock.monotonicMs();
    const decision = this.#profileOf(view).decider.decide(view, { startAt: this.#startAt, random });
    this.#carryOut(view, decision, begunMs, signal);
  }

  /** Nobody else is looked at while extenders are asked: what they say is about the world as it is now. */
  async #scheduleExtended(view: PodView, extenders: readonly Extender[], signal: AbortSignal): Promise<void> {
    const { random, log } = this.#options;
    const { decider } = this.#profileOf(view);
    const parts = { decider, snapshot: this.#snapshot, extenders, random, log, signal };
    const begunMs = this.#options.clock.monotonicMs();
    const decision = await decideExtended(view, this.#startAt, parts);
    if (!signal.aborted) this.#carryOut(view, decision, begunMs, signal);
  }

  #carryOut(view: PodView, decision: Decision, begunMs: number, signal: AbortSignal): void {
    const { random } = this.#options;
    const profile = this.#profileOf(view);
    const seconds = this.#secondsSince(begunMs);
    this.metrics.ranPoint('Filter', profile.name, decision.type === 'none' ? 'Unschedulable' : 'Success', seconds);
    if (decision.type === 'none') this.metrics.attempted(profile.name, 'unschedulable', seconds);
    if (decision.type === 'none') {
      this.#slots.track(this.#refuse(view, decision, signal));
      return;
    }
    this.#startAt = (this.#startAt + decision.looked) % this.#snapshot.nodes.length;
    const { node } = decision;
    const devices = planDevices(view.pod, node, profile.givesDevices ? this.#devices : undefined, () => uuid(random));
    const volumes = volumesToBind(view, node, profile.givesVolumes ? this.#storage : undefined);
    this.#cache.placeView(view, node.name);
    this.#nominations.remove(view.key);
    if (volumes || devices) this.#binder.bindAfter({ volumes, devices }, view, node.name, signal);
    else this.#slots.track(this.#binder.bind(view, node.name, signal));
  }

  /** A plugin failed: the pod is told, and tried again. */
  async #fail(view: PodView, error: PluginError, signal: AbortSignal): Promise<void> {
    this.metrics.attempted(this.#profileOf(view).name, 'error', 0);
    await this.#tell(view, error, signal);
    this.#queue.putBack(view.key, { isRetry: true });
  }

  async #tell(view: PodView, error: unknown, signal: AbortSignal): Promise<void> {
    if (!(error instanceof PluginError)) return;
    try {
      const why = { message: error.message, reason: 'SchedulerError' } as const;
      await this.#reporter.unscheduled(view, why, this.#profileOf(view), signal);
    } catch (problem) {
      if (!signal.aborted && !isNotFound(problem)) {
        this.#options.log.error('status not written', problem, { pod: view.key });
      }
    }
  }

  async #refuse(view: PodView, decision: Decision & { type: 'none' }, signal: AbortSignal): Promise<void> {
    const profile = this.#profileOf(view);
    const plan = this.#planRefusal(view, decision);
    const { message, deallocate } = plan;
    const chosen = plan.chosen && (await this.#agreed(plan.chosen, view, decision, signal));
    const promised = plan.chosen ? chosen?.node : plan.promised;
    this.#nominations.set(view, promised);
    try {
      if (deallocate) await this.#claimBindings.deallocate(deallocate, signal);
      await this.#reporter.unscheduled(view, { message, reason: 'Unschedulable', promised }, profile, signal);
      if (chosen) this.metrics.preempted(chosen.victims.length);
      if (chosen) await this.#reporter.evict(view, chosen, profile, signal);
    } catch (error) {
      if (!signal.aborted && !isNotFound(error)) {
        this.#options.log.error('status not written', error, { pod: view.key });
      }
    }
    this.#queue.putBack(view.key, { refusedBy: decision.refusedBy });
  }

  /** Whom to evict, when extenders have a say in it too. */
  async #agreed(
    chosen: Preemption,
    view: PodView,
    { refusals }: Decision & { type: 'none' },
    signal: AbortSignal,
  ): Promise<Preemption | undefined> {
    const asked = this.#extenders
      .filter(({ config }) => config.preemptVerb)
      .filter((each) => each.isInterestedIn(view));
    const { preemptor } = this.#profileOf(view);
    if (asked.length === 0 || !preemptor || !this.#budgets) return chosen;
    const plans = preemptor.candidates(view, refusals, { budgets: this.#budgets });
    try {
      const { cache } = this.#snapshot;
      return preemptor.cheapest(await agreedBy(asked, view, plans, { find: (name) => cache.find(name), signal }));
    } catch (error) {
      this.#options.log.error('extender does not preempt', error, { pod: view.key });
      return undefined;
    }
  }

  /** What to say, whom to evict, the node that is promised for it, and the claim whose devices are of no use. */
  #planRefusal(view: PodView, { refusals, blocked, blockedBy }: Decision & { type: 'none' }): Refused {
    const total = this.#snapshot.nodes.length;
    if (total === 0) return { message: describeRefusals(0, refusals) };
    if (blocked) return { message: `0/${total} nodes are available: ${blocked}. ${lastWords(blockedBy, total)}` };
    const why = describeRefusals(total, refusals);
    const promisedNode = this.#nominations.nodeOf(view.key);
    this.#budgets ??= new Budgets(this.#options.informers.informer(podDisruptionBudgetKind).list());
    const { preemptor } = this.#profileOf(view);
    const plan = preemptor?.plan(view, refusals, { budgets: this.#budgets, promisedNode });
    const deallocate = claimToDeallocate(view, this.#snapshot.nodes, refusals, this.#devices);
    const freed = deallocate ? { deallocate } : {};
    if (!plan) return { message: `${why} ${aboutClaims(view, deallocate, this.#devices)}`, ...freed };
    if ('chosen' in plan) return { message: why, chosen: plan.chosen, promised: plan.chosen.node, ...freed };
    const promised = plan.isWaiting ? promisedNode : undefined;
    return { message: `${why} ${aboutClaims(view, deallocate, this.#devices)}, ${plan.message}`, promised, ...freed };
  }
}
