// A program beside the scheduler that has a say in where some pods go, over HTTP: extender/v1 of upstream.
import type { Node, Pod } from '../../../generated/core-v1.ts';
import type { ExtenderConfiguration } from '../config/types.ts';
import type { NodeView } from '../node-cache.ts';
import type { PodView } from '../pod-view.ts';
import type { Preemption } from '../preemption.ts';
import { type JsonEndpoint, jsonEndpoint } from './post-json.ts';

export interface FilterAnswer {
  /** Nodes that it accepts, in its order. */
  readonly nodes: readonly NodeView[];
  readonly failed: Readonly<Record<string, string>>;
  /** Evicting pods would not help there. */
  readonly failedForGood: Readonly<Record<string, string>>;
}

export class Extender {
  readonly config: ExtenderConfiguration;
  readonly #endpoint: JsonEndpoint;
  readonly #managed: ReadonlySet<string>;

  constructor(config: ExtenderConfiguration) {
    this.config = config;
    this.#endpoint = jsonEndpoint(config);
    this.#managed = new Set((config.managedResources ?? []).map(({ name }) => name));
  }

  /** Pods that ask for what it manages; all pods, if it manages nothing in particular. */
  isInterestedIn({ pod }: PodView): boolean {
    if (this.#managed.size === 0) return true;
    return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some(({ resources = {} }) =>
      Object.keys({ ...resources.requests, ...resources.limits }).some((name) => this.#managed.has(name)),
    );
  }

  async filter({ pod }: PodView, nodes: readonly NodeView[], signal: AbortSignal): Promise<FilterAnswer> {
    const { filterVerb, nodeCacheCapable } = this.config;
    if (!filterVerb) return { nodes, failed: {}, failedForGood: {} };
    const answer = read(await this.#endpoint.post(filterVerb, this.#about(pod, nodes), signal));
    const error = answer('Error');
    if (error) throw new Error(String(error));
    const named = answer('NodeNames');
    const listed = answer('Nodes') as { items?: Node[] } | undefined;
    const names =
      nodeCacheCapable && Array.isArray(named) ? named : (listed?.items ?? []).map(({ metadata }) => metadata.name);
    const byName = new Map(nodes.map((node) => [node.name, node]));
    return {
      nodes: names.map((name) => this.#known(byName, String(name))),
      failed: (answer('FailedNodes') ?? {}) as Record<string, string>,
      failedForGood: (answer('FailedAndUnresolvableNodes') ?? {}) as Record<string, string>,
    };
  }

  /** Node → score from 0 to 10, times the weight. */
  async prioritize({ pod }: PodView, nodes: readonly NodeView[], signal: AbortSignal): Promise<Map<string, number>> {
    const { prioritizeVerb, weight = 1 } = this.config;
    if (!prioritizeVerb) return new Map();
    const answer = await this.#endpoint.post(prioritizeVerb, this.#about(pod, nodes), signal);
    const scores = new Map<string, number>();
    for (const each of Array.isArray(answer) ? answer : []) {
      const field = read(each);
      scores.set(String(field('Host')), Number(field('Score') ?? 0) * weight);
    }
    return scores;
  }

  async bind({ pod }: PodView, node: string, signal: AbortSignal): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    const args = { PodName: name, PodNamespace: namespace, PodUID: uid, Node: node };
    const error = read(await this.#endpoint.post(this.config.bindVerb!, args, signal))('Error');
    if (error) throw new Error(String(error));
  }

  /** Those of the plans that it agrees to, perhaps with other victims. */
  async preempt(
    { pod }: PodView,
    plans: readonly Preemption[],
    find: (node: string) => NodeView | undefined,
    signal: AbortSignal,
  ): Promise<Preemption[]> {
    const { preemptVerb, nodeCacheCapable, urlPrefix } = this.config;
    const shown = plans.map(({ node, victims, violations }) => {
      const pods = victims.map((victim) => (nodeCacheCapable ? { UID: victim.pod.metadata.uid } : victim.pod));
      return [node, { Pods: pods, NumPDBViolations: violations ?? 0 }];
    });
    const key = nodeCacheCapable ? 'NodeNameToMetaVictims' : 'NodeNameToVictims';
    const body = { Pod: pod, NodeNameToVictims: null, NodeNameToMetaVictims: null, [key]: Object.fromEntries(shown) };
    const answer = read(await this.#endpoint.post(preemptVerb!, body, signal));
    const agreed = (answer('NodeNameToMetaVictims') ?? {}) as Record<string, unknown>;
    return Object.entries(agreed).map(([name, meta]) => {
      const node = find(name);
      if (!node) throw new Error(`node "${name}" not found`);
      const field = read(meta);
      const victims = ((field('Pods') ?? []) as unknown[]).map((each) => {
        const uid = String(read(each)('UID'));
        for (const victim of node.pods.values()) if (victim.pod.metadata.uid === uid) return victim;
        const claim = `extender: ${urlPrefix} claims to preempt pod (UID: &{${uid}}) on node: ${name}`;
        throw new Error(`${claim}, but the pod is not found on that node`);
      });
      return { node: name, victims, violations: Number(field('NumPDBViolations') ?? 0) };
    });
  }

  close(): void {
    this.#endpoint.close();
  }

  #about(pod: Pod, nodes: readonly NodeView[]) {
    if (this.config.nodeCacheCapable) return { Pod: pod, Nodes: null, NodeNames: nodes.map(({ name }) => name) };
    return { Pod: pod, Nodes: { metadata: {}, items: nodes.map(({ node }) => node) }, NodeNames: null };
  }

  #known(nodes: ReadonlyMap<string, NodeView>, name: string): NodeView {
    const node = nodes.get(name);
    if (node) return node;
    const claim = `extender "${this.config.urlPrefix}" claims a filtered node "${name}"`;
    throw new Error(`${claim} which is not found in the input node list`);
  }
}

/** What is left of the plans when all have been asked, one after the other; who may be ignored and fails is. */
export async function agreedBy(
  extenders: readonly Extender[],
  pod: PodView,
  plans: readonly Preemption[],
  { find, signal }: { find(node: string): NodeView | undefined; signal: AbortSignal },
): Promise<readonly Preemption[]> {
  let left = plans;
  for (const extender of extenders) {
    if (left.length === 0) break;
    try {
      left = await extender.preempt(pod, left, find, signal);
    } catch (error) {
      if (!extender.config.ignorable) throw error;
    }
  }
  return left;
}

/** Reads members as Go does: the case of their names does not matter. */
function read(value: unknown): (name: string) => unknown {
  const members = value && typeof value === 'object' ? (value as Record<string, unknown>) : {};
  return (name) => {
    if (Object.hasOwn(members, name)) return members[name] ?? undefined;
    const found = Object.keys(members).find((key) => key.toLowerCase() === name.toLowerCase());
    return found === undefined ? undefined : (members[found] ?? undefined);
  };
}
