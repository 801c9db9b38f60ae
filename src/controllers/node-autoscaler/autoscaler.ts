// One look every ten seconds: pods that wait for room get nodes, nodes that nobody needs go.
import type { DaemonSet } from '../../../generated/apps-v1.ts';
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { configMapKind, daemonSetKind, nodeKind, podDisruptionBudgetKind, podKind } from '../../../generated/kinds.ts';
import type { PodDisruptionBudget } from '../../../generated/policy-v1.ts';
import { keyOf } from '../../api/meta/object.ts';
import { timeMs } from '../../api/meta/time.ts';
import { about } from '../../reconcile/about.ts';
import type { ControllerContext, EventRecorder } from '../../reconcile/controller.ts';
import type { Informer } from '../../reconcile/informer.ts';
import { type AutoscalerTimes, defaultTimes, type NodeAutoscalerConfig } from './config.ts';
import { removeNode, setTaint } from './drain.ts';
import { choose } from './expander.ts';
import {
  deletionCandidateTaint,
  hasTaint,
  isCountedOnNode,
  isNodeReady,
  isUnschedulable,
  notReadyTaints,
  toBeDeletedTaint,
} from './pods.ts';
import { noPriorities, priorityConfigMap, readPriorities } from './priorities.ts';
import type { NodeGroup, NodeProvider } from './provider.ts';
import { candidates, planScaleDown, type ScaleDownInput, type Unneeded } from './scale-down.ts';
import { describeRefusals, inBackoff, type Option, planScaleUp, renamed } from './scale-up.ts';
import { type GroupFigures, StatusWriter, statusSubject } from './status.ts';
import type { NewTrial, Trial } from './trial.ts';

export interface AutoscalerParts {
  readonly context: ControllerContext;
  readonly provider: NodeProvider;
  readonly newTrial: NewTrial;
  readonly config: NodeAutoscalerConfig;
}

const defaultThreshold = 0.5;
/** Empty nodes that go at once. */
const mostEmptyAtOnce = 10;
const softTaintsALook = 10;
/** A group that failed to grow is left alone, longer each time. */
const [backoffMs, maxBackoffMs] = [5 * 60_000, 30 * 60_000];
const podNode = 'node';

export class Autoscaler {
  readonly #parts: AutoscalerParts;
  readonly #times: Required<AutoscalerTimes>;
  readonly #recorder: EventRecorder;
  readonly #status: StatusWriter;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #daemonSets: Informer<DaemonSet>;
  /** Since when nodes are unneeded. */
  readonly #unneededMs = new Map<string, number>();
  /** Nodes on their way out, by name, with their group. */
  readonly #leaving = new Map<string, string>();
  readonly #removals = new Set<Promise<void>>();
  readonly #backoffs = new Map<string, { readonly untilMs: number; readonly lengthMs: number }>();
  /** How many nodes each group waits for, and since when. */
  readonly #growing = new Map<string, number>();
  #lastUpMs = Number.NEGATIVE_INFINITY;
  #lastFailureMs = Number.NEGATIVE_INFINITY;
  #isDraining = false;

  constructor(parts: AutoscalerParts) {
    const { context, config } = parts;
    const { informers, client, clock } = context;
    this.#parts = parts;
    this.#times = { ...defaultTimes, ...config.times };
    this.#recorder = context.recorder('cluster-autoscaler');
    this.#status = new StatusWriter(client, clock);
    this.#nodes = informers.informer(nodeKind);
    this.#pods = informers.informer(podKind);
    this.#budgets = informers.informer(podDisruptionBudgetKind);
    this.#daemonSets = informers.informer(daemonSetKind);
    this.#pods.addIndex(podNode, (pod) => (isCountedOnNode(pod) ? [pod.spec.nodeName!] : []));
  }

  async run(signal: AbortSignal): Promise<void> {
    const { context, provider } = this.#parts;
    const running = provider.run(signal);
    while (!signal.aborted) {
      try {
        await this.#look(signal);
      } catch (error) {
        if (!signal.aborted) context.log.error('nodes were not scaled', error);
      }
      await context.clock.sleep(this.#times.scanInterval, signal);
    }
    await Promise.all([running, ...this.#removals]);
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { provider, context } = this.#parts;
    const nodes = this.#nodes.list();
    provider.refresh(nodes);
    for (const group of provider.groups())
      if (group.target() < group.min)
        await this.#grow({ group, count: group.min - group.target(), pods: [], waste: 0 }, signal);
    const waiting = this.#pods.list().filter(isUnschedulable).sort(byAge);
    let left: readonly Pod[] = [];
    let hasGrown = false;
    if (waiting.length > 0) {
      const trial = this.#imagine(nodes, true);
      left = waiting.filter((pod) => !placed(trial, pod));
      if (left.length > 0) hasGrown = await this.#scaleUp(trial, left, signal);
    }
    const unneeded = this.#findUnneeded(nodes, waiting);
    if (!hasGrown) this.#scaleDown(unneeded, signal);
    await this.#softTaints(nodes);
    await this.#status
      .write(this.#figures(nodes), left.length > 0)
      .catch((error) => context.log.debug('the status was not written', { problem: String(error) }));
  }

  /** The cluster as it is; with those on their way, as it will be when they have come. */
  #imagine(nodes: readonly Node[], withComing: boolean): Trial {
    const { provider, newTrial } = this.#parts;
    const trial = newTrial();
    const nowMs = this.#parts.context.clock.now();
    const registered = new Map<string, number>();
    for (const node of nodes) {
      const group = provider.groupOf(node);
      if (group) registered.set(group, (registered.get(group) ?? 0) + 1);
      const isStarting = group && !isNodeReady(node) && nowMs - bornMs(node) < this.#times.maxNodeProvisionTime;
      trial.setNode(
        isStarting && withComing ? asReady(node, provider.groups().find(({ name }) => name === group)!) : node,
      );
    }
    for (const pod of this.#pods.list()) if (isCountedOnNode(pod)) trial.place(pod, pod.spec.nodeName!);
    if (withComing)
      for (const group of provider.groups())
        for (let index = registered.get(group.name) ?? 0; index < group.target(); index++)
          trial.setNode(renamed(group.template(), `${group.name}-coming-${index}`));
    return trial;
  }

  async #scaleUp(trial: Trial, pods: readonly Pod[], signal: AbortSignal): Promise<boolean> {
    const { provider, context, config } = this.#parts;
    const daemonSets = this.#daemonSets.list();
    const plan = planScaleUp(trial, {
      groups: provider.groups(),
      pods,
      daemonSets,
      skipped: (group) => this.#skipped(group),
    });
    const expander = config.expander ?? 'least-waste';
    const priorities = expander === 'priority' ? await this.#priorities() : noPriorities;
    const chosen = choose(plan.options, expander, { random: context.random, priorities });
    if (chosen) return this.#grow(chosen, signal);
    for (const pod of pods) {
      const reasons = describeRefusals(plan.refusals.get(keyOf(pod)) ?? []);
      this.#recorder.event(
        about(podKind, pod),
        'Normal',
        'NotTriggerScaleUp',
        `pod didn't trigger scale-up: ${reasons}`,
      );
    }
    return false;
  }

  #skipped(group: NodeGroup): string | undefined {
    const backoff = this.#backoffs.get(group.name);
    return backoff && this.#parts.context.clock.monotonicMs() < backoff.untilMs ? inBackoff : undefined;
  }

  async #priorities() {
    const found = await this.#parts.context.client.resource(configMapKind).find(priorityConfigMap);
    return readPriorities(found?.data?.['priorities'], this.#parts.context.log);
  }

  async #grow({ group, count, pods }: Option, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#parts.context;
    const [from, to] = [group.target(), group.target() + count];
    const tell = (type: 'Normal' | 'Warning', reason: string, message: string) =>
      this.#recorder.event(statusSubject, type, reason, message);
    const sizes = `${to} instead of ${from} (max: ${group.max})`;
    tell('Normal', 'ScaledUpGroup', `Scale-up: setting group ${group.name} size to ${sizes}`);
    try {
      await group.increase(count, signal);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      tell('Warning', 'FailedToScaleUpGroup', `Scale-up failed for group ${group.name}: ${problem}`);
      const lengthMs = Math.min(maxBackoffMs, 2 * (this.#backoffs.get(group.name)?.lengthMs ?? backoffMs / 2));
      this.#backoffs.set(group.name, { untilMs: clock.monotonicMs() + lengthMs, lengthMs });
      return false;
    }
    this.#backoffs.delete(group.name);
    this.#lastUpMs = clock.monotonicMs();
    this.#growing.set(group.name, clock.monotonicMs());
    tell('Normal', 'ScaledUpGroup', `Scale-up: group ${group.name} size set to ${sizes}`);
    const what = `pod triggered scale-up: [{${group.name} ${from}->${to} (max: ${group.max})}]`;
    for (const pod of pods) this.#recorder.event(about(podKind, pod), 'Normal', 'TriggeredScaleUp', what);
    return true;
  }

  /** Looked at even while nothing may go: the time counts. */
  #findUnneeded(nodes: readonly Node[], waiting: readonly Pod[]): Unneeded[] {
    const { provider, config, context } = this.#parts;
    const nowMs = context.clock.now();
    const input: ScaleDownInput = {
      nodes: nodes.filter((node) => provider.groupOf(node) !== undefined && !this.#leaving.has(node.metadata.name)),
      podsOn: (name) => this.#pods.byIndex(podNode, name),
      budgets: this.#budgets.list(),
      threshold: config.scaleDownUtilizationThreshold ?? defaultThreshold,
      nowMs,
      before: new Set(this.#unneededMs.keys()),
    };
    const chosen = candidates(input);
    let unneeded: Unneeded[] = [];
    if (chosen.length > 0) {
      const trial = this.#imagine(nodes, false);
      // Pods that wait for a node take their room first.
      for (const pod of waiting) placed(trial, pod);
      unneeded = planScaleDown(trial, chosen, input);
    }
    const names = new Set(unneeded.map(({ node }) => node.metadata.name));
    for (const name of this.#unneededMs.keys()) if (!names.has(name)) this.#unneededMs.delete(name);
    for (const name of names) if (!this.#unneededMs.has(name)) this.#unneededMs.set(name, context.clock.monotonicMs());
    return unneeded;
  }

  #scaleDown(unneeded: readonly Unneeded[], signal: AbortSignal): void {
    const { provider, context } = this.#parts;
    const nowMs = context.clock.monotonicMs();
    const { scaleDownDelayAfterAdd, scaleDownDelayAfterFailure, scaleDownUnneededTime, scaleDownUnreadyTime } =
      this.#times;
    if (nowMs - this.#lastUpMs < scaleDownDelayAfterAdd || nowMs - this.#lastFailureMs < scaleDownDelayAfterFailure)
      return;
    let empty = 0;
    for (const each of unneeded) {
      const { name } = each.node.metadata;
      const patience = isNodeReady(each.node) ? scaleDownUnneededTime : scaleDownUnreadyTime;
      if (nowMs - this.#unneededMs.get(name)! < patience) continue;
      const group = provider.groups().find((one) => one.name === provider.groupOf(each.node));
      if (!group || group.target() - this.#leavingOf(group.name) <= group.min) continue;
      if (each.pods.length === 0 ? empty++ >= mostEmptyAtOnce : empty > 0 || this.#isDraining) continue;
      this.#remove(group, each, signal);
      if (each.pods.length > 0) break;
    }
  }

  #leavingOf(group: string): number {
    return [...this.#leaving.values()].filter((name) => name === group).length;
  }

  #remove(group: NodeGroup, { node, pods }: Unneeded, signal: AbortSignal): void {
    const { context } = this.#parts;
    const { name } = node.metadata;
    const isEmpty = pods.length === 0;
    this.#leaving.set(name, group.name);
    this.#unneededMs.delete(name);
    if (!isEmpty) this.#isDraining = true;
    const tell = (message: string) =>
      this.#recorder.event(statusSubject, 'Normal', isEmpty ? 'ScaleDownEmpty' : 'ScaleDown', message);
    const names = pods.map((pod) => pod.metadata.name).join(',');
    tell(
      isEmpty
        ? `Scale-down: removing empty node "${name}"`
        : `Scale-down: removing node ${name}, utilization: below threshold, pods to reschedule: ${names}`,
    );
    const options = { ...context, recorder: this.#recorder, find: (key: string) => this.#pods.find(key) };
    const work = removeNode(options, group, node, pods, signal)
      .then((isGone) => {
        if (isGone)
          tell(isEmpty ? `Scale-down: empty node ${name} removed` : `Scale-down: node ${name} removed with drain`);
        else this.#lastFailureMs = context.clock.monotonicMs();
      })
      .catch((error) => context.log.error('a node was not removed', error, { node: name }))
      .finally(() => {
        this.#leaving.delete(name);
        if (!isEmpty) this.#isDraining = false;
        this.#removals.delete(work);
      });
    this.#removals.add(work);
  }

  /** Pods rather go elsewhere than to a node that may soon be gone. */
  async #softTaints(nodes: readonly Node[]): Promise<void> {
    const { client, clock } = this.#parts.context;
    const wrong = nodes.filter((node) => {
      if (this.#parts.provider.groupOf(node) === undefined || this.#leaving.has(node.metadata.name)) return false;
      return hasTaint(node, deletionCandidateTaint) !== this.#unneededMs.has(node.metadata.name);
    });
    const value = String(Math.floor(clock.now() / 1000));
    for (const { metadata } of wrong.slice(0, softTaintsALook)) {
      const taint = this.#unneededMs.has(metadata.name) ? { value, effect: 'PreferNoSchedule' as const } : undefined;
      await setTaint({ client }, metadata.name, deletionCandidateTaint, taint).catch(() => undefined);
    }
  }

  #figures(nodes: readonly Node[]): GroupFigures[] {
    const { provider, context } = this.#parts;
    const nowMs = context.clock.now();
    return provider.groups().map((group) => {
      const own = nodes.filter((node) => provider.groupOf(node) === group.name);
      const leaving = own.filter((node) => hasTaint(node, toBeDeletedTaint));
      const staying = own.filter((node) => !leaving.includes(node));
      const ready = staying.filter(isNodeReady).length;
      const isYoung = (node: Node) => nowMs - bornMs(node) < this.#times.maxNodeProvisionTime;
      const notStarted = staying.filter((node) => !isNodeReady(node) && isYoung(node)).length;
      const isComing = this.#growing.has(group.name) && ready < group.target() - leaving.length;
      if (!isComing) this.#growing.delete(group.name);
      return {
        name: group.name,
        ready,
        unready: staying.length - ready - notStarted,
        notStarted,
        beingDeleted: leaving.length,
        target: group.target(),
        min: group.min,
        max: group.max,
        scaleUp: this.#skipped(group) ? 'Backoff' : isComing ? 'InProgress' : 'NoActivity',
        candidates: staying.filter(({ metadata }) => this.#unneededMs.has(metadata.name)).length,
      };
    });
  }
}

function placed(trial: Trial, pod: Pod): boolean {
  const place = trial.find(pod);
  if (place) trial.place(pod, place);
  return place !== undefined;
}

const bornMs = ({ metadata }: Node) => timeMs(metadata.creationTimestamp) ?? 0;

/** A node that has come a moment ago, as it will be: with what its group has. */
function asReady(node: Node, group: NodeGroup): Node {
  const taints = (node.spec.taints ?? []).filter(({ key }) => !notReadyTaints.includes(key));
  const status = node.status?.allocatable ? node.status : group.template().status;
  return { ...node, spec: { ...node.spec, taints }, ...(status ? { status } : {}) };
}

const byAge = (a: Pod, b: Pod) =>
  (b.spec.priority ?? 0) - (a.spec.priority ?? 0) ||
  (timeMs(a.metadata.creationTimestamp) ?? 0) - (timeMs(b.metadata.creationTimestamp) ?? 0);
