// Whether a node is one that a pod, a volume or a device asks for.
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '../../../generated/core-v1.ts';

/** What a node selector looks at. */
export interface SelectableNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** By node selector and required node affinity. */
export function matchesNode(spec: PodSpec | undefined, { metadata }: Node): boolean {
  const { name, labels = {} } = metadata;
  for (const [key, value] of Object.entries(spec?.nodeSelector ?? {})) if (labels[key] !== value) return false;
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || required.nodeSelectorTerms.some((term) => matchesTerm(term, { name, labels }));
}

/** All of a term's requirements; a term without any matches nothing. */
export function matchesTerm(term: NodeSelectorTerm, node: SelectableNode): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length + fields.length === 0) return false;
  return (
    expressions.every((each) => matches(each, node.labels[each.key])) &&
    fields.every((each) => matches(each, each.key === 'metadata.name' ? node.name : undefined))
  );
}

/** Node affinity's own requirement language: like label selectors, with Gt and Lt. */
function matches(requirement: NodeSelectorRequirement, value: string | undefined): boolean {
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) < Number(values[0]);
    default:
      return false;
  }
}
