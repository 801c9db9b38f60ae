// A cluster as plain lists, for the oracle: nothing is kept, nothing is indexed.
import type { Node, Pod, PodAffinityTerm, Service } from '../../../generated/core-v1.ts';
import type { LabelSelector } from '../../../generated/meta-v1.ts';
import { matchesSelector } from '../../api/meta/labels.ts';
import { selectorOf } from '../../api/meta/selectors.ts';

export interface PlainWorld {
  readonly nodes: Map<string, Node>;
  /** By key: the pod and where it counts. */
  readonly placed: Map<string, { readonly pod: Pod; readonly node: string }>;
  /** Pods that were promised a node. */
  readonly promised: Map<string, { readonly pod: Pod; readonly node: string }>;
  readonly namespaces: Map<string, Readonly<Record<string, string>>>;
  readonly services: Service[];
}

export const labelsOf = ({ metadata }: { metadata: { labels?: Record<string, string> } }) => metadata.labels ?? {};

export const selects = (selector: LabelSelector | undefined, labels: Record<string, string>): boolean => {
  const requirements = selectorOf(selector);
  return requirements !== undefined && matchesSelector(requirements, labels);
};

export function podsOn(world: PlainWorld, node: string): Pod[] {
  return [...world.placed.values()].filter((each) => each.node === node).map(({ pod }) => pod);
}

/** Whether `candidate` is meant by a term that `owner` carries. */
export function meant(term: PodAffinityTerm, owner: Pod, candidate: Pod, world: PlainWorld): boolean {
  const namespace = candidate.metadata.namespace!;
  const named = term.namespaces?.includes(namespace) ?? false;
  const bySelector =
    term.namespaceSelector !== undefined && selects(term.namespaceSelector, world.namespaces.get(namespace) ?? {});
  const isDefault = !term.namespaces?.length && !term.namespaceSelector && namespace === owner.metadata.namespace;
  if (!named && !bySelector && !isDefault) return false;
  return selects(term.labelSelector, labelsOf(candidate));
}

/** The world with some pods gone and others there. */
export function changed(
  world: PlainWorld,
  gone: readonly Pod[],
  added: readonly { pod: Pod; node: string }[],
): PlainWorld {
  const placed = new Map(world.placed);
  for (const pod of gone) placed.delete(`${pod.metadata.namespace}/${pod.metadata.name}`);
  for (const each of added) placed.set(`${each.pod.metadata.namespace}/${each.pod.metadata.name}`, each);
  return { ...world, placed };
}
