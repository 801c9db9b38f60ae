import type { NodeSelectorRequirement, NodeSelectorTerm } from '../../../generated/core-v1.ts';
import type { NodeView } from '../node-cache.ts';

/** Node affinity's own requirement language: like label selectors, with Gt and Lt. */
function matchesRequirement(requirement: NodeSelectorRequirement, value: string | undefined): boolean {
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

/** All of a term's requirements; a term without any matches nothing. */
export function matchesTerm(term: NodeSelectorTerm, node: NodeView): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length + fields.length === 0) return false;
  return (
    expressions.every((each) => matchesRequirement(each, node.labels[each.key])) &&
    fields.every((each) => matchesRequirement(each, each.key === 'metadata.name' ? node.name : undefined))
  );
}
