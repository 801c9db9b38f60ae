// One look at one autoscaler: its target's size, what the metrics ask for, the scale written, the status told.

import type { Scale } from '../../../generated/autoscaling-v1.ts';
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  MetricStatus,
} from '../../../generated/autoscaling-v2.ts';
import type { Pod } from '../../../generated/core-v1.ts';
import { horizontalPodAutoscalerKind } from '../../../generated/kinds.ts';
import { withCondition } from '../../api/meta/conditions.ts';
import { isEqual } from '../../api/meta/equality.ts';
import type { KindRef } from '../../api/meta/object.ts';
import { timeText } from '../../api/meta/time.ts';
import type { Client } from '../../client/client.ts';
import { itemPath } from '../../client/paths.ts';
import type { EventRecorder } from '../../reconcile/controller.ts';
import type { DiscoveredResource } from '../shared/discover.ts';
import type { MetricsSource } from './metrics-source.ts';
import { normalise } from './normalise.ts';
import { type MetricProposal, ProposalError, propose, type Target } from './propose.ts';
import type { ScaleHistory } from './scale-history.ts';

export interface AutoscalerWorld {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly metrics: MetricsSource;
  readonly nowMs: number;
  /** The resources of a kind, the preferred version first. @throws when the kind is not served */
  resourcesOf(apiVersion: string, kind: string): Promise<readonly DiscoveredResource[]>;
  /** The pods a selector means; what is wrong with it otherwise. */
  podsOf(autoscaler: HorizontalPodAutoscaler, selector: string): readonly Pod[] | InvalidSelector;
  historyOf(replicas: number): ScaleHistory;
}

export interface InvalidSelector {
  readonly reason: string;
  readonly event: string;
  readonly problem: string;
  readonly message: string;
}

type Status = NonNullable<HorizontalPodAutoscaler['status']>;

class Look {
  readonly #world: AutoscalerWorld;
  readonly #autoscaler: HorizontalPodAutoscaler;
  #conditions: HorizontalPodAutoscalerCondition[];

  constructor(world: AutoscalerWorld, autoscaler: HorizontalPodAutoscaler) {
    this.#world = world;
    this.#autoscaler = autoscaler;
    this.#conditions = autoscaler.status?.conditions ?? [];
  }

  async run(): Promise<void> {
    const { spec, status } = this.#autoscaler;
    const found = await this.#scale();
    if ('problem' in found) {
      this.#warn('FailedGetScale', found.problem);
      const message = `the HPA controller was unable to get the target's current scale: ${found.problem}`;
      this.#say('AbleToScale', false, 'FailedGetScale', message);
      return this.#tell({ ...status });
    }
    const { scale } = found;
    const current = scale.spec?.replicas ?? 0;
    this.#say(
      'AbleToScale',
      true,
      'SucceededGetScale',
      "the HPA controller was able to get the target's current scale",
    );
    const history = this.#world.historyOf(current);
    const min = spec.minReplicas ?? 1;
    let wanted: { replicas: number; reason: string; metrics?: MetricStatus[] };
    if (current === 0 && min !== 0) {
      const message = 'scaling is disabled since the replica count of the target is zero';
      this.#say('ScalingActive', false, 'ScalingDisabled', message);
      wanted = { replicas: 0, reason: '' };
    } else if (current > spec.maxReplicas) {
      wanted = { replicas: spec.maxReplicas, reason: 'Current number of replicas above Spec.MaxReplicas' };
    } else if (current < min) {
      wanted = { replicas: min, reason: 'Current number of replicas below Spec.MinReplicas' };
    } else {
      const measured = await this.#measure(scale);
      if (measured.best === undefined) {
        this.#warn('FailedComputeMetricsReplicas', measured.problem!);
        return this.#tell({ ...status, currentReplicas: current, currentMetrics: measured.statuses });
      }
      const verdict = normalise({
        current,
        desired: measured.best.replicas,
        min,
        max: spec.maxReplicas,
        behavior: spec.behavior,
        history,
        nowMs: this.#world.nowMs,
      });
      this.#say('AbleToScale', true, verdict.ableToScale.reason, verdict.ableToScale.message);
      this.#say('ScalingLimited', verdict.isLimited, verdict.limited.reason, verdict.limited.message);
      const { replicas, name } = measured.best;
      const reason = replicas > current ? `${name} above target` : replicas < current ? 'All metrics below target' : '';
      wanted = { replicas: verdict.replicas, reason, metrics: measured.statuses };
    }
    const next: Status = { ...status, currentReplicas: current, desiredReplicas: wanted.replicas };
    if (wanted.metrics) next.currentMetrics = wanted.metrics;
    else delete next.currentMetrics;
    if (wanted.replicas !== current) {
      const problem = await this.#rescale(found, wanted.replicas, wanted.reason);
      if (problem) return this.#tell({ ...next, desiredReplicas: status?.desiredReplicas ?? 0 });
      const rules = wanted.replicas > current ? spec.behavior?.scaleUp : spec.behavior?.scaleDown;
      history.scaled(current, wanted.replicas, this.#world.nowMs, rules);
      next.lastScaleTime = timeText(this.#world.nowMs);
    }
    await this.#tell(next);
  }

  async #scale(): Promise<{ scale: Scale; resource: DiscoveredResource } | { problem: string }> {
    const { scaleTargetRef } = this.#autoscaler.spec;
    const key = { namespace: this.#autoscaler.metadata.namespace!, name: scaleTargetRef.name };
    let problem: string | undefined;
    try {
      const resources = await this.#world.resourcesOf(scaleTargetRef.apiVersion ?? '', scaleTargetRef.kind);
      for (const resource of resources) {
        try {
          return { scale: await this.#world.client.getJson<Scale>(itemPath(resource, key, 'scale')), resource };
        } catch (error) {
          problem ??= (error as Error).message;
        }
      }
    } catch (error) {
      problem = (error as Error).message;
    }
    return { problem: problem ?? 'unrecognized resource' };
  }

  /** What the metrics ask for; the largest wins. Nothing, when none can be read, or one cannot and the rest would scale down. */
  async #measure(scale: Scale): Promise<{ best?: MetricProposal; statuses: MetricStatus[]; problem?: string }> {
    const { spec } = this.#autoscaler;
    const selector = scale.status?.selector ?? '';
    const pods = this.#world.podsOf(this.#autoscaler, selector);
    if ('problem' in pods) {
      this.#warn(pods.event, pods.problem);
      this.#say('ScalingActive', false, pods.reason, pods.message);
      return { statuses: [], problem: pods.problem };
    }
    const target: Target = {
      autoscaler: this.#autoscaler,
      pods,
      selector,
      specReplicas: scale.spec?.replicas ?? 0,
      statusReplicas: scale.status?.replicas ?? 0,
      nowMs: this.#world.nowMs,
      metrics: this.#world.metrics,
      resourceOf: async (apiVersion, kind) => {
        const [{ plural, group }] = (await this.#world.resourcesOf(apiVersion, kind)) as [DiscoveredResource];
        return group ? `${plural}.${group}` : plural;
      },
    };
    const metrics = spec.metrics ?? [];
    // A metric that could not be read has an empty status, so that places agree with the spec.
    const statuses: MetricStatus[] = metrics.map(() => ({ type: '' }));
    const failures: ProposalError[] = [];
    let best: MetricProposal | undefined;
    for (const [index, metric] of metrics.entries()) {
      try {
        const proposal = await propose(target, metric);
        statuses[index] = proposal.status;
        if (!best || proposal.replicas > best.replicas) best = proposal;
      } catch (error) {
        if (!(error instanceof ProposalError)) throw error;
        this.#warn(error.reason, error.detail);
        failures.push(error);
      }
    }
    const [first] = failures;
    if (first && (!best || best.replicas < target.specReplicas)) {
      const message = `the HPA was unable to compute the replica count: ${first.detail}`;
      this.#say('ScalingActive', false, first.reason, message);
      const count = `${failures.length} invalid out of ${metrics.length}`;
      return { statuses, problem: `invalid metrics (${count}), first error is: ${first.message}` };
    }
    if (!best) return { statuses, problem: 'there are no metrics' };
    const message = `the HPA was able to successfully calculate a replica count from ${best.name}`;
    this.#say('ScalingActive', true, 'ValidMetricFound', message);
    return { best, statuses };
  }

  /** Gives what went wrong, if anything did. */
  async #rescale(
    { scale, resource }: { scale: Scale; resource: DiscoveredResource },
    replicas: number,
    reason: string,
  ): Promise<string | undefined> {
    try {
      const next = { ...scale, spec: { ...scale.spec, replicas } };
      await this.#world.client.resource<Scale>(resource as KindRef<any>).update(next, { subresource: 'scale' });
    } catch (error) {
      const problem = (error as Error).message;
      this.#warn('FailedRescale', `New size: ${replicas}; reason: ${reason}; error: ${problem}`);
      const message = `the HPA controller was unable to update the target scale: ${problem}`;
      this.#say('AbleToScale', false, 'FailedUpdateScale', message);
      return problem;
    }
    const message = `the HPA controller was able to update the target scale to ${replicas}`;
    this.#say('AbleToScale', true, 'SucceededRescale', message);
    this.#world.recorder.event(
      this.#about(),
      'Normal',
      'SuccessfulRescale',
      `New size: ${replicas}; reason: ${reason}`,
    );
    return undefined;
  }

  #about() {
    return { ...this.#autoscaler, apiVersion: 'autoscaling/v2', kind: horizontalPodAutoscalerKind.kind };
  }

  #warn(reason: string, message: string): void {
    this.#world.recorder.event(this.#about(), 'Warning', reason, message);
  }

  #say(type: string, isTrue: boolean, reason: string, message: string): void {
    const lastTransitionTime = timeText(this.#world.nowMs);
    const condition = { type, status: isTrue ? 'True' : 'False', reason, message, lastTransitionTime };
    this.#conditions = withCondition(this.#conditions, condition);
  }

  async #tell(status: Partial<Status>): Promise<void> {
    const next = { ...status, desiredReplicas: status.desiredReplicas ?? 0, conditions: this.#conditions } as Status;
    if (isEqual(next, this.#autoscaler.status)) return;
    await this.#world.client
      .resource(horizontalPodAutoscalerKind)
      .update({ ...this.#autoscaler, status: next }, { subresource: 'status' });
  }
}

export function reconcileAutoscaler(world: AutoscalerWorld, autoscaler: HorizontalPodAutoscaler): Promise<void> {
  return new Look(world, autoscaler).run();
}
