// Brings running pods to what is recommended: resizes them in place where the autoscaler wishes it, evicts them otherwise, and
// never more at once than their maker can spare.
import type { LimitRange, Pod } from '../../../generated/core-v1.ts';
import {
  daemonSetKind,
  limitRangeKind,
  podKind,
  replicaSetKind,
  replicationControllerKind,
  statefulSetKind,
} from '../../../generated/kinds.ts';
import { isFinished } from '../../api/core/pod-phase.ts';
import { keyOf, splitKey } from '../../api/meta/object.ts';
import { controllerOf } from '../../api/meta/owner-references.ts';
import { namespaceBounds, podResources } from '../../api/vertical-pod-autoscaler/pod-resources.ts';
import { updateModeOf } from '../../api/vertical-pod-autoscaler/policy.ts';
import { type VerticalPodAutoscaler, verticalPodAutoscalerKind } from '../../api/vertical-pod-autoscaler/types.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { about } from '../../reconcile/about.ts';
import type { EventRecorder } from '../../reconcile/controller.ts';
import type { Informer, InformerFactory } from '../../reconcile/informer.ts';
import { planUpdates } from './plan-update.ts';
import { isResizing, ReplicaGroup } from './replica-group.ts';
import type { Targeted } from './targets.ts';

export interface UpdaterOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recorder: EventRecorder;
  readonly informers: InformerFactory;
}

/** A maker with fewer pods than this is left alone, unless the autoscaler says otherwise. */
const minReplicas = 2;

export class Updater {
  readonly #options: UpdaterOptions;
  readonly #limitRanges: Informer<LimitRange>;
  readonly #makers: ReadonlyMap<string, Informer<any>>;
  readonly #resizingSince = new Map<string, number>();

  constructor(options: UpdaterOptions) {
    this.#options = options;
    const { informers } = options;
    this.#limitRanges = informers.informer(limitRangeKind);
    const kinds = [replicaSetKind, statefulSetKind, daemonSetKind, replicationControllerKind];
    this.#makers = new Map(kinds.map((kind) => [kind.kind, informers.informer<any>(kind as never)]));
  }

  async look(podsOf: ReadonlyMap<Targeted, readonly Pod[]>): Promise<void> {
    const alive = new Set<string>();
    for (const [{ vpa }, all] of podsOf) {
      const mode = updateModeOf(vpa);
      if (mode === 'Off' || mode === 'Initial' || !vpa.status?.recommendation) continue;
      const pods = all.filter((pod) => !pod.metadata.deletionTimestamp && pod.spec.nodeName && !isFinished(pod));
      this.#noteResizes(pods, alive);
      await this.#update(vpa, pods, mode === 'InPlaceOrRecreate');
    }
    for (const uid of this.#resizingSince.keys()) if (!alive.has(uid)) this.#resizingSince.delete(uid);
  }

  #noteResizes(pods: readonly Pod[], alive: Set<string>): void {
    for (const pod of pods) {
      if (!isResizing(pod)) continue;
      const uid = pod.metadata.uid!;
      alive.add(uid);
      if (!this.#resizingSince.has(uid)) this.#resizingSince.set(uid, this.#options.clock.now());
    }
  }

  async #update(vpa: VerticalPodAutoscaler, pods: readonly Pod[], isInPlace: boolean): Promise<void> {
    const { clock, log } = this.#options;
    const groupOf = this.#groups(vpa, pods);
    const nowMs = clock.now();
    const since = (pod: Pod) => this.#resizingSince.get(pod.metadata.uid!);
    const mayEvict = (pod: Pod) => groupOf(pod)?.mayEvict(pod, nowMs, since(pod)) ?? false;
    const mayResize = (pod: Pod) =>
      pod.status?.phase !== 'Pending' && !isResizing(pod) && (groupOf(pod)?.isDisruptable ?? false);
    const bounds = namespaceBounds(this.#limitRanges.list(vpa.metadata.namespace));
    const isOpen = isInPlace ? (pod: Pod) => mayResize(pod) || (isResizing(pod) && mayEvict(pod)) : mayEvict;
    for (const pod of planUpdates(vpa, pods.filter(isOpen), bounds, nowMs)) {
      const group = groupOf(pod)!;
      try {
        if (isInPlace && mayResize(pod) && (await this.#resize(vpa, pod))) group.resized();
        else if (mayEvict(pod) && (await this.#evict(vpa, pod))) group.evicted(pod);
      } catch (error) {
        log.debug('a pod could not be updated', { pod: keyOf(pod), problem: String(error) });
      }
    }
  }

  /** The group of each pod; undefined for one without a maker, or with too few beside it. */
  #groups(vpa: VerticalPodAutoscaler, pods: readonly Pod[]): (pod: Pod) => ReplicaGroup | undefined {
    const required = vpa.spec.updatePolicy?.minReplicas ?? minReplicas;
    const byMaker = Map.groupBy(pods, (pod) => controllerOf(pod)?.uid ?? '');
    const groups = new Map<string, ReplicaGroup>();
    for (const [uid, members] of byMaker) {
      if (uid === '' || members.length < required) continue;
      const configured = this.#configuredOf(members);
      if (configured > 0) groups.set(uid, new ReplicaGroup(configured, members));
    }
    return (pod) => groups.get(controllerOf(pod)?.uid ?? '');
  }

  #configuredOf(members: readonly Pod[]): number {
    const { kind, name } = controllerOf(members[0]!)!;
    const informer = this.#makers.get(kind);
    if (!informer) return members.length; // a Job, or what we do not know: as many as there are
    const maker = informer.find(`${members[0]!.metadata.namespace}/${name}`);
    return (kind === 'DaemonSet' ? maker?.status?.numberReady : maker?.spec?.replicas) ?? 0;
  }

  async #evict(vpa: VerticalPodAutoscaler, pod: Pod): Promise<boolean> {
    const { client, recorder } = this.#options;
    const { namespace, name } = pod.metadata;
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name } };
    await client.resource(podKind).post(splitKey(keyOf(pod)), 'eviction', eviction);
    const why = 'Pod was evicted by VPA Updater to apply resource recommendation.';
    recorder.event(about(podKind, pod), 'Normal', 'EvictedByVPA', why);
    const what = `VPA Updater evicted Pod ${name} to apply resource recommendation.`;
    recorder.event(about(verticalPodAutoscalerKind, vpa), 'Normal', 'EvictedPod', what);
    return true;
  }

  /** Gives whether the API took it; whether the node can, the pod's conditions tell later. */
  async #resize(vpa: VerticalPodAutoscaler, pod: Pod): Promise<boolean> {
    const { client, log } = this.#options;
    const bounds = namespaceBounds(this.#limitRanges.list(vpa.metadata.namespace));
    const containers = podResources(vpa, pod, bounds)
      .filter(({ requests, limits }) => Object.keys({ ...requests, ...limits }).length > 0)
      .map(({ name, requests, limits }) => ({ name, resources: { requests, limits } }));
    if (containers.length === 0) return false;
    const pods = client.resource(podKind);
    const key = splitKey(keyOf(pod));
    try {
      await pods.patch(key, { spec: { containers } }, { type: 'strategic', subresource: 'resize' });
    } catch (error) {
      log.debug('a pod could not be resized in place', { pod: keyOf(pod), problem: String(error) });
      return false;
    }
    await pods.patch(key, { metadata: { annotations: { vpaInPlaceUpdated: 'true' } } }, { type: 'merge' });
    return true;
  }
}
