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
  const wanted = namesOf(isLocal ? able.filter(({ metadata }) => hasEndpoint(metadata.name, slices)) : able);
  let [best, bestScore]: [string | undefined, string] = [undefined, ''];
  for (const name of wanted) {
    const score = createHash('sha256').update(`${address} ${name}`).digest('hex');
    if (score > bestScore) [best, bestScore] = [name, score];
  }
  return best;
}

/** Machines, where there are any: of the nodes in namespaces only their own machine is a neighbour. */
function namesOf(nodes: readonly Node[]): string[] {
  const machines = nodes.filter(({ metadata }) => metadata.labels?.[machineLabel] === undefined);
  return (machines.length > 0 ? machines : nodes).map(({ metadata }) => metadata.name);
}

const hasEndpoint = (nodeName: string, slices: readonly EndpointSlice[]) =>
  slices.some(({ endpoints }) =>
    (endpoints ?? []).some((endpoint) => endpoint.nodeName === nodeName && endpoint.conditions?.ready !== false),
  );
