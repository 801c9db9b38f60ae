// Which pods an autoscaler is about: those its target selects, and that the target has made, itself or through others.
import type { Scale } from '../../../generated/autoscaling-v1.ts';
import type { Pod } from '../../../generated/core-v1.ts';
import {
  cronJobKind,
  daemonSetKind,
  deploymentKind,
  jobKind,
  replicaSetKind,
  replicationControllerKind,
  statefulSetKind,
} from '../../../generated/kinds.ts';
import { matchesSelector, type Selector } from '../../api/meta/labels.ts';
import type { KindRef, KubernetesObject } from '../../api/meta/object.ts';
import { controllerOf } from '../../api/meta/owner-references.ts';
import { parseLabelSelector, selectorOf } from '../../api/meta/selectors.ts';
import { isStronger } from '../../api/vertical-pod-autoscaler/policy.ts';
import type { TargetRef, VerticalPodAutoscaler } from '../../api/vertical-pod-autoscaler/types.ts';
import type { Client } from '../../client/client.ts';
import type { Informer, InformerFactory } from '../../reconcile/informer.ts';
import { discover } from '../shared/discover.ts';

/** What is known without asking what else can be scaled. */
const wellKnown: readonly KindRef<any>[] = [
  daemonSetKind,
  deploymentKind,
  replicaSetKind,
  statefulSetKind,
  replicationControllerKind,
  jobKind,
  cronJobKind,
];

/** An autoscaler with the selector of its target; without one it is about no pod, and says why. */
export interface Targeted {
  readonly vpa: VerticalPodAutoscaler;
  readonly selector?: Selector;
  readonly problem?: string;
}

export class Targets {
  readonly #client: Client;
  readonly #informers: ReadonlyMap<string, Informer<KubernetesObject>>;

  constructor(client: Client, informers: InformerFactory) {
    this.#client = client;
    this.#informers = new Map(wellKnown.map((kind) => [kind.kind, informers.informer<KubernetesObject>(kind)]));
  }

  async find(vpa: VerticalPodAutoscaler): Promise<Targeted> {
    const { targetRef } = vpa.spec;
    if (!targetRef)
      return {
        vpa,
        problem: 'Cannot read targetRef. Reason: targetRef not defined. If this is a v1beta1 object, switch to v1',
      };
    const namespace = vpa.metadata.namespace ?? '';
    try {
      const selector = await this.#selectorOf(namespace, targetRef);
      const parent = this.#parentOf(targetRef.kind, `${namespace}/${targetRef.name}`);
      if (!parent) return { vpa, selector };
      const target = `${targetRef.apiVersion ?? ''}.${targetRef.kind}/${targetRef.name}`;
      const problem = `The target ${target} has a parent controller but it should point to a topmost well-known or scalable controller`;
      return { vpa, problem };
    } catch (error) {
      return {
        vpa,
        problem: `Cannot read targetRef. Reason: ${error instanceof Error ? error.message : String(error)}`,
      };
    }
  }

  /** The autoscaler that has this pod: the oldest of those that fit. */
  controlling(pod: Pod, targeted: readonly Targeted[]): Targeted | undefined {
    let found: Targeted | undefined;
    let makers: readonly string[] | undefined;
    for (const each of targeted) {
      const { vpa, selector } = each;
      if (!selector || vpa.metadata.namespace !== pod.metadata.namespace) continue;
      if (!matchesSelector(selector, pod.metadata.labels)) continue;
      makers ??= this.#makersOf(pod);
      if (!makers.includes(`${vpa.spec.targetRef?.kind}/${vpa.spec.targetRef?.name}`)) continue;
      if (isStronger(vpa, found?.vpa)) found = each;
    }
    return found;
  }

  /** `KIND/NAME` of who made the pod, and who made those. */
  #makersOf(pod: Pod): string[] {
    const makers: string[] = [];
    for (let owner = controllerOf(pod); owner; ) {
      const name = `${owner.kind}/${owner.name}`;
      if (makers.includes(name)) break;
      makers.push(name);
      owner = this.#parentOf(owner.kind, `${pod.metadata.namespace}/${owner.name}`);
    }
    return makers;
  }

  #parentOf(kind: string, key: string) {
    const object = this.#informers.get(kind)?.find(key);
    return object && controllerOf(object);
  }

  async #selectorOf(namespace: string, { apiVersion = '', kind, name }: TargetRef): Promise<Selector> {
    const informer = this.#informers.get(kind);
    if (!informer) return this.#scaleSelector(namespace, { apiVersion, kind, name });
    const object = informer.find(`${namespace}/${name}`) as any;
    if (!object) throw new Error(`${kind} ${namespace}/${name} does not exist`);
    if (kind === 'ReplicationController') return selectorOf({ matchLabels: object.spec.selector ?? {} }) ?? [];
    if (kind === 'CronJob')
      return selectorOf({ matchLabels: object.spec.jobTemplate.spec.template.metadata?.labels ?? {} }) ?? [];
    const selector = selectorOf(object.spec.selector);
    if (!selector) throw new Error("don't know how to read label selector");
    return selector;
  }

  async #scaleSelector(namespace: string, { apiVersion = '', kind, name }: TargetRef): Promise<Selector> {
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    const { resources } = await discover(this.#client);
    const resource = resources.find((each) => each.kind === kind && each.group === group);
    if (!resource) throw new Error(`unhandled targetRef ${apiVersion} / ${kind} / ${name}, last error no such kind`);
    const root = group ? `/apis/${group}/${resource.version}` : `/api/${resource.version}`;
    const path = `${root}/namespaces/${namespace}/${resource.plural}/${name}/scale`;
    const scale = await this.#client.getJson<Scale>(path).catch((error) => {
      throw new Error(`unhandled targetRef ${apiVersion} / ${kind} / ${name}, last error ${(error as Error).message}`);
    });
    if (!scale.status?.selector)
      throw new Error(`resource ${namespace}/${name} has an empty selector for scale sub-resource`);
    return parseLabelSelector(scale.status.selector);
  }
}
