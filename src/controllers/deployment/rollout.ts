// One look at one Deployment: reads the caches, plans with the pure functions beside, writes what they say.
import type { Deployment, DeploymentStatus, ReplicaSet } from '../../../generated/apps-v1.ts';
import type { Pod } from '../../../generated/core-v1.ts';
import { deploymentKind, replicaSetKind } from '../../../generated/kinds.ts';
import { findCondition } from '../../api/meta/conditions.ts';
import { isEqual } from '../../api/meta/equality.ts';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import { about } from '../../reconcile/about.ts';
import type { EventRecorder } from '../../reconcile/controller.ts';
import { claim } from '../../reconcile/controller-refs.ts';
import type { Informer } from '../../reconcile/informer.ts';
import { candidatesFor, controlledBy } from '../shared/indexes.ts';
import { cachedSelector } from '../shared/selector.ts';
import { annotatedNumber, desiredReplicasAnnotation, replicasAnnotations, rollbackAnnotation } from './annotations.ts';
import { ensureNewest } from './ensure-newest.ts';
import { planNewest, planOld, planProportional, type ScaleStep } from './plan-scaling.ts';
import {
  condition,
  deadlineInMs,
  hasDeadline,
  isComplete,
  planCounts,
  planRolloutStatus,
  withDeploymentCondition,
} from './plan-status.ts';
import { active, all, byRevision, findNewest, type ReplicaSets, sum, wanted } from './replica-sets.ts';
import { rollBack } from './roll-back.ts';
import type { RolloutContext } from './rollout-context.ts';

export interface RolloutOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly sets: Informer<ReplicaSet>;
  readonly pods: Informer<Pod>;
  readonly recorder: EventRecorder;
  readonly deployment: Deployment;
  readonly signal: AbortSignal;
  /** Told of each set as it was written. */
  readonly onWritten: (set: ReplicaSet) => void;
}

export class Rollout implements RolloutContext {
  readonly #options: RolloutOptions;
  deployment: Deployment;

  constructor(options: RolloutOptions) {
    this.#options = options;
    this.deployment = options.deployment;
  }

  get client(): Client {
    return this.#options.client;
  }

  get nowMs(): number {
    return this.#options.clock.now();
  }

  /** Brings the Deployment one step on. Gives the time after which to look again although nothing changed. */
  async sync(): Promise<number | undefined> {
    const { deployment } = this;
    const selector = cachedSelector(deployment.spec.selector);
    if (!selector) return undefined;
    if (selector.length === 0) return this.#refuse();
    const { metadata } = deployment;
    const { sets, client, signal } = this.#options;
    const candidates = candidatesFor(sets, deployment);
    const owner = { client, ownerKind: deploymentKind, owner: deployment, kind: replicaSetKind };
    const mine = await claim({ ...owner, selector, candidates, signal });
    if (metadata.deletionTimestamp) return this.#writeCounts(await this.#arrange(mine, false));
    await this.#markPaused();
    if (this.deployment.spec.paused) return this.#syncScale(await this.#arrange(mine, false));
    if (metadata.annotations?.[rollbackAnnotation] !== undefined) {
      await rollBack(this, await this.#arrange(mine, true));
      return undefined;
    }
    if (isScalingEvent(deployment, mine)) {
      const sets = await this.#arrange(mine, false);
      // Where there is nothing to scale, nothing would ever end that event: the rollout goes on.
      if (planProportional(this.deployment, sets).length > 0) return this.#syncScale(sets);
    }
    return deployment.spec.strategy?.type === 'Recreate' ? this.#recreate(mine) : this.#roll(mine);
  }

  wrote(set: ReplicaSet): ReplicaSet {
    this.#options.onWritten(set);
    return set;
  }

  tell(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#options.recorder.event(about(deploymentKind, this.deployment), type, reason, message);
  }

  async writeStatus(status: DeploymentStatus, annotations = this.deployment.metadata.annotations): Promise<void> {
    const metadata = annotations ? { ...this.deployment.metadata, annotations } : this.deployment.metadata;
    const next = { ...this.deployment, metadata, status };
    this.deployment = await this.client.resource(deploymentKind).update(next, { subresource: 'status' });
  }

  /** A selector that selects everything would take every pod of the namespace. */
  async #refuse(): Promise<undefined> {
    const { deployment } = this;
    const message = 'This deployment is selecting all pods. A non-empty selector is required.';
    this.tell('Warning', 'SelectingAll', message);
    if ((deployment.status?.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)) return undefined;
    await this.writeStatus({ ...deployment.status, observedGeneration: deployment.metadata.generation ?? 0 });
    return undefined;
  }

  /** A paused rollout has no deadline; the condition says so. */
  async #markPaused(): Promise<void> {
    const { deployment } = this;
    if (!hasDeadline(deployment)) return;
    const current = findCondition(deployment.status?.conditions, 'Progressing');
    if (current?.reason === 'ProgressDeadlineExceeded') return;
    const isMarked = current?.reason === 'DeploymentPaused';
    if (isMarked === Boolean(deployment.spec.paused)) return;
    const next = isMarked
      ? condition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed', this.nowMs)
      : condition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused', this.nowMs);
    const conditions = withDeploymentCondition(deployment.status?.conditions, next);
    await this.writeStatus({ ...deployment.status, conditions });
  }

  async #arrange(mine: readonly ReplicaSet[], mayCreate: boolean): Promise<ReplicaSets> {
    const known = findNewest(this.deployment, mine);
    const old = mine.filter((set) => set.metadata.uid !== known?.metadata.uid);
    return { newest: await ensureNewest(this, known, old, mayCreate), old };
  }

  async #syncScale(sets: ReplicaSets): Promise<number | undefined> {
    const scaled = await this.#perform(planProportional(this.deployment, sets), sets);
    if (this.deployment.spec.paused) await this.#cleanUp(scaled.old);
    return this.#writeCounts(scaled);
  }

  async #roll(mine: readonly ReplicaSet[]): Promise<number | undefined> {
    const sets = await this.#arrange(mine, true);
    const grow = planNewest(this.deployment, sets);
    if (grow.length > 0) return this.#writeProgress(await this.#perform(grow, sets));
    const shrink = planOld(this.deployment, sets);
    if (shrink.length > 0) return this.#writeProgress(await this.#perform(shrink, sets));
    if (isComplete(this.deployment, this.deployment.status)) await this.#cleanUp(sets.old);
    return this.#writeProgress(sets);
  }

  async #recreate(mine: readonly ReplicaSet[]): Promise<number | undefined> {
    const sets = await this.#arrange(mine, false);
    const stop = active(sets.old).map((set) => ({ set, replicas: 0 }));
    if (stop.length > 0) return this.#writeProgress(await this.#perform(stop, sets));
    if (this.#hasOldPods(mine, sets)) return this.#writeProgress(sets);
    const arranged = sets.newest ? sets : await this.#arrange(mine, true);
    const scaled = await this.#perform(planNewest(this.deployment, arranged), arranged);
    if (isComplete(this.deployment, this.deployment.status)) await this.#cleanUp(scaled.old);
    return this.#writeProgress(scaled);
  }

  #hasOldPods(mine: readonly ReplicaSet[], { newest, old }: ReplicaSets): boolean {
    if (sum(old, (set) => set.status?.replicas ?? 0) > 0) return true;
    return mine
      .filter((set) => set.metadata.uid !== newest?.metadata.uid)
      .flatMap((set) => controlledBy(this.#options.pods, set.metadata.uid))
      .some((pod) => pod.status?.phase !== 'Failed' && pod.status?.phase !== 'Succeeded');
  }

  /** Writes the steps in order and gives the sets as they are then. */
  async #perform(steps: readonly ScaleStep[], sets: ReplicaSets): Promise<ReplicaSets> {
    const latest = new Map(all(sets).map((set) => [set.metadata.uid, set]));
    for (const { set, replicas } of steps) {
      const current = latest.get(set.metadata.uid) ?? set;
      latest.set(set.metadata.uid, await this.#scale(current, replicas));
    }
    const now = (set: ReplicaSet) => latest.get(set.metadata.uid) ?? set;
    return { newest: sets.newest && now(sets.newest), old: sets.old.map(now) };
  }

  async #scale(set: ReplicaSet, replicas: number): Promise<ReplicaSet> {
    const annotations = { ...set.metadata.annotations, ...replicasAnnotations(this.deployment) };
    const before = wanted(set);
    if (before === replicas && isEqual(annotations, set.metadata.annotations)) return set;
    const next = { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec!, replicas } };
    const written = this.wrote(await this.client.resource(replicaSetKind).update(next));
    if (before !== replicas) {
      const direction = before < replicas ? 'up' : 'down';
      const message = `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`;
      this.tell('Normal', 'ScalingReplicaSet', message);
    }
    return written;
  }

  /** Deletes empty old sets beyond the history to keep. */
  async #cleanUp(old: readonly ReplicaSet[]): Promise<void> {
    const limit = this.deployment.spec.revisionHistoryLimit;
    if (limit === undefined || limit === 2147483647) return;
    const alive = old.filter((set) => !set.metadata.deletionTimestamp).sort(byRevision);
    for (const set of alive.slice(0, Math.max(0, alive.length - limit))) {
      const isSettled = (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0);
      if ((set.status?.replicas ?? 0) !== 0 || wanted(set) !== 0 || !isSettled) continue;
      const { namespace = '', name } = set.metadata;
      await this.client.resource(replicaSetKind).delete({ namespace, name });
    }
  }

  async #writeCounts(sets: ReplicaSets): Promise<number | undefined> {
    const status = planCounts(this.deployment, sets, this.nowMs);
    if (!isEqual(status, this.deployment.status)) await this.writeStatus(status);
    return undefined;
  }

  async #writeProgress(sets: ReplicaSets): Promise<number | undefined> {
    const status = planRolloutStatus(this.deployment, sets, this.nowMs);
    if (!isEqual(status, this.deployment.status)) await this.writeStatus(status);
    return deadlineInMs(this.deployment, status, this.nowMs);
  }
}

/** The Deployment wants another number than the one its running sets were last scaled for. */
function isScalingEvent(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return active(sets).some((set) => {
    const desired = annotatedNumber(set, desiredReplicasAnnotation);
    return desired !== undefined && desired !== (deployment.spec.replicas ?? 1);
  });
}
