// Looks at what pods use once a minute, keeps it in histograms, and writes what it recommends into the autoscalers' status.
import type { Pod } from '../../../generated/core-v1.ts';
import type { PodMetricsList } from '../../../generated/metrics-v1beta1.ts';
import { isFinished } from '../../api/core/pod-phase.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { keyOf, splitKey } from '../../api/meta/object.ts';
import { millisOf, Quantity, unitsOf } from '../../api/meta/quantity.ts';
import { isNotFound } from '../../api/meta/status-error.ts';
import { timeMs, timeText } from '../../api/meta/time.ts';
import {
  type VerticalPodAutoscaler,
  type VerticalPodAutoscalerCheckpoint,
  type VpaCondition,
  type VpaStatus,
  verticalPodAutoscalerCheckpointKind,
  verticalPodAutoscalerKind,
} from '../../api/vertical-pod-autoscaler/types.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { Informer } from '../../reconcile/informer.ts';
import { recommend } from './estimate.ts';
import type { Targeted } from './targets.ts';
import { ContainerUsage, SeenContainer } from './usage.ts';

export interface RecommenderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pods: Informer<Pod>;
  readonly checkpoints: Informer<VerticalPodAutoscalerCheckpoint>;
}

/** What one autoscaler has learnt. */
class Model {
  readonly uid: string | undefined;
  readonly usages = new Map<string, ContainerUsage>();
  /** By pod uid and container. */
  readonly seen = new Map<string, { name: string; container: SeenContainer; oomAtMs: number | undefined }>();

  constructor(uid: string | undefined) {
    this.uid = uid;
  }

  usage(name: string): ContainerUsage {
    const usage = this.usages.get(name) ?? new ContainerUsage();
    this.usages.set(name, usage);
    return usage;
  }
}

const collectMs = 600_000;

export class Recommender {
  readonly #options: RecommenderOptions;
  readonly #models = new Map<string, Model>();
  #collectedMs: number | undefined;

  constructor(options: RecommenderOptions) {
    this.#options = options;
  }

  /** @param podsOf pods that each autoscaler is about */
  async look(targeted: readonly Targeted[], podsOf: ReadonlyMap<Targeted, readonly Pod[]>): Promise<void> {
    const { log } = this.#options;
    const mine = targeted.filter(({ vpa }) => isMine(vpa));
    this.#forget(mine);
    for (const { vpa } of mine) this.#modelOf(vpa);
    const usage = await this.#readUsage(new Set(mine.map(({ vpa }) => vpa.metadata.namespace!)));
    for (const each of mine) {
      const key = keyOf(each.vpa);
      try {
        const pods = (podsOf.get(each) ?? []).filter((pod) => !isFinished(pod));
        this.#learn(this.#modelOf(each.vpa), pods, usage);
        await this.#write(each, pods.length > 0);
        await this.#save(each.vpa);
      } catch (error) {
        if (!isNotFound(error)) log.warn('a recommendation could not be written', { vpa: key, problem: String(error) });
      }
    }
    await this.#collectCheckpoints(targeted);
  }

  #modelOf(vpa: VerticalPodAutoscaler): Model {
    const key = keyOf(vpa);
    const known = this.#models.get(key);
    if (known && known.uid === vpa.metadata.uid) return known;
    const model = new Model(vpa.metadata.uid);
    this.#models.set(key, model);
    const { namespace, name } = vpa.metadata;
    for (const checkpoint of this.#options.checkpoints.list(namespace)) {
      const { vpaObjectName, containerName } = checkpoint.spec;
      if (vpaObjectName !== name || !containerName) continue;
      const usage = ContainerUsage.load(checkpoint);
      if (usage) model.usages.set(containerName, usage);
    }
    return model;
  }

  #forget(mine: readonly Targeted[]): void {
    const alive = new Set(mine.map(({ vpa }) => keyOf(vpa)));
    for (const key of this.#models.keys()) if (!alive.has(key)) this.#models.delete(key);
  }

  /** What each pod's containers use, by `namespace/name`; nothing where nobody measures. */
  async #readUsage(namespaces: ReadonlySet<string>): Promise<Map<string, PodMetricsList['items'][number]>> {
    const { client, log } = this.#options;
    const found = new Map<string, PodMetricsList['items'][number]>();
    for (const namespace of namespaces) {
      try {
        const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`;
        const { items } = await client.getJson<PodMetricsList>(path);
        for (const item of items ?? []) found.set(keyOf(item), item);
      } catch (error) {
        log.debug('what pods use is not known', { namespace, problem: String(error) });
      }
    }
    return found;
  }

  #learn(model: Model, pods: readonly Pod[], usage: ReadonlyMap<string, PodMetricsList['items'][number]>): void {
    const alive = new Set<string>();
    for (const pod of pods) {
      const measured = usage.get(keyOf(pod));
      const atMs = timeMs(measured?.timestamp) ?? 0;
      for (const { name, resources } of pod.spec.containers) {
        const id = `${pod.metadata.uid}/${name}`;
        alive.add(id);
        const seen = model.seen.get(id) ?? {
          name,
          container: new SeenContainer(model.usage(name)),
          oomAtMs: undefined,
        };
        model.seen.set(id, seen);
        const sample = measured?.containers?.find((container) => container.name === name)?.usage;
        if (sample) seen.container.add(coresOf(sample['cpu']), unitsOf(sample['memory']), atMs);
        const killedMs = oomKilledMs(pod, name);
        if (killedMs === undefined || killedMs === seen.oomAtMs) continue;
        seen.oomAtMs = killedMs;
        seen.container.killed(unitsOf(resources?.requests?.['memory']), killedMs);
      }
    }
    for (const id of model.seen.keys()) if (!alive.has(id)) model.seen.delete(id);
  }

  async #write({ vpa, problem }: Targeted, hasPods: boolean): Promise<void> {
    const { client, clock } = this.#options;
    const model = this.#modelOf(vpa);
    const recommendation = recommend(vpa, model.usages);
    const hasOne = (recommendation.containerRecommendations?.length ?? 0) > 0;
    const conditions = new Conditions(vpa.status?.conditions, clock.now());
    conditions.drop('ConfigDeprecated');
    if (problem) conditions.set('ConfigUnsupported', true, '', problem);
    else conditions.drop('ConfigUnsupported');
    const [reason, message] = hasPods ? ['', ''] : ['NoPodsMatched', 'No pods match this VPA object'];
    if (hasPods) conditions.drop('NoPodsMatched');
    else conditions.set('NoPodsMatched', true, reason, message);
    if (hasOne) conditions.set('RecommendationProvided', true, '', '');
    else conditions.set('RecommendationProvided', false, reason, message);
    const status: VpaStatus = { conditions: conditions.list, recommendation };
    if (isEqual(status, vpa.status)) return;
    await client
      .resource(verticalPodAutoscalerKind)
      .patch(splitKey(keyOf(vpa)), [{ op: 'add', path: '/status', value: status }], {
        type: 'json',
        subresource: 'status',
      });
  }

  /** Written each time something was learnt: a restart goes on from there. */
  async #save(vpa: VerticalPodAutoscaler): Promise<void> {
    const { client, clock } = this.#options;
    const model = this.#modelOf(vpa);
    const checkpoints = client.resource(verticalPodAutoscalerCheckpointKind);
    const namespace = vpa.metadata.namespace!;
    for (const [containerName, usage] of model.usages) {
      if (usage.samples === 0) continue;
      const name = `${vpa.metadata.name}-${containerName}`;
      const known = this.#options.checkpoints.find(`${namespace}/${name}`);
      if (known?.status?.totalSamplesCount === usage.samples) continue;
      const seen = [...model.seen.values()].filter((each) => each.name === containerName);
      const status = usage.save(
        seen.map(({ container }) => container),
        clock.now(),
      );
      const key = { namespace, name };
      await checkpoints
        .patch(key, [{ op: 'add', path: '/status', value: status }], { type: 'json' })
        .catch(async (error) => {
          if (!isNotFound(error)) throw error;
          const spec = { containerName, vpaObjectName: vpa.metadata.name };
          await checkpoints.create({ metadata: key, spec, status });
        });
    }
  }

  async #collectCheckpoints(all: readonly Targeted[]): Promise<void> {
    const { client, clock, checkpoints, log } = this.#options;
    this.#collectedMs ??= clock.monotonicMs();
    if (clock.monotonicMs() - this.#collectedMs < collectMs) return;
    this.#collectedMs = clock.monotonicMs();
    const alive = new Set(all.map(({ vpa }) => keyOf(vpa)));
    for (const checkpoint of checkpoints.list()) {
      const { namespace, name } = checkpoint.metadata;
      if (alive.has(`${namespace}/${checkpoint.spec.vpaObjectName}`)) continue;
      const key = { namespace: namespace!, name };
      await client
        .resource(verticalPodAutoscalerCheckpointKind)
        .delete(key)
        .catch((error) => log.debug('a checkpoint was not removed', { name, problem: String(error) }));
    }
  }
}

/** Autoscalers that name another recommender are left to it. */
export function isMine({ spec }: VerticalPodAutoscaler): boolean {
  const [named] = spec.recommenders ?? [];
  return !named || named.name === 'default';
}

const coresOf = (text: string | undefined) =>
  text?.endsWith('n') ? Number(Quantity.parse(text).nanos) / 1e9 : millisOf(text) / 1000;

function oomKilledMs(pod: Pod, name: string): number | undefined {
  const status = pod.status?.containerStatuses?.find((each) => each.name === name);
  for (const ended of [status?.state?.terminated, status?.lastState?.terminated])
    if (ended?.reason === 'OOMKilled') return timeMs(ended.finishedAt);
  return undefined;
}

class Conditions {
  readonly #byType: Map<string, VpaCondition>;
  readonly #nowMs: number;

  constructor(before: readonly VpaCondition[] = [], nowMs: number) {
    this.#byType = new Map(before.map((condition) => [condition.type, condition]));
    this.#nowMs = nowMs;
  }

  drop(type: string): void {
    this.#byType.delete(type);
  }

  set(type: string, isTrue: boolean, reason: string, message: string): void {
    const before = this.#byType.get(type);
    const status = isTrue ? 'True' : 'False';
    const kept = before?.status === status ? before.lastTransitionTime : undefined;
    this.#byType.set(type, {
      lastTransitionTime: kept ?? timeText(this.#nowMs),
      ...(message ? { message } : {}),
      ...(reason ? { reason } : {}),
      status,
      type,
    });
  }

  get list(): VpaCondition[] {
    return [...this.#byType.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
  }
}
