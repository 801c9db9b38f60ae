// Which node answers for an address. Every node comes to the same answer on its own; one that fails moves only its own.
import { createHash } from 'node:crypto';
import type { Node, Service } from '../../../generated/core-v1.ts';
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import { takesOutsideTraffic } from '../../api/core/load-balancer-nodes.ts';
import { machineLabel } from '../overlay/plan-routes.ts';

/** Undefined when no node can take what comes. */
export function chooseNode(
  address: string,
  service: Service,
  slices: readonly EndpointSlice[],
  nodes: readonly Node[],
): string | undefined {
  const able = nodes.filter(takesOutsideTraffic);
  const isLocal = service.spec?.externalTrafficPolicy === 'Local';
  const withPods = isLocal ? able.filter(({ metadata }) => hasEndpoint(metadata.name, slices)) : able;
  const wanted = namesOf(withPods, able);
  let [best, bestScore]: [string | undefined, string] = [undefined, ''];
  for (const name of wanted) {
    const score = createHash('sha256').update(`${address} ${name}`).digest('hex');
    if (score > bestScore) [best, bestScore] = [name, score];
  }
  return best;
}

/**
 * Machines, where there are any: of the nodes in namespaces only their own machine is a neighbour. Else the machines of those
 * nodes, which hand on what comes to them.
 */
function namesOf(nodes: readonly Node[], able: readonly Node[]): string[] {
  const machineOf = ({ metadata }: Node) => metadata.labels?.[machineLabel];
  const machines = nodes.filter((node) => machineOf(node) === undefined);
  const theirs = able.filter(({ metadata }) => nodes.some((node) => machineOf(node) === metadata.name));
  const found = [machines, theirs].find((each) => each.length > 0) ?? nodes;
  return found.map(({ metadata }) => metadata.name);
}

const hasEndpoint = (nodeName: string, slices: readonly EndpointSlice[]) =>
  slices.some(({ endpoints }) =>
    (endpoints ?? []).some((endpoint) => endpoint.nodeName === nodeName && endpoint.conditions?.ready !== false),
  );
