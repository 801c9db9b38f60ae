// Which node answers for an address. Every node comes to the same answer on its own; one that fails moves only its own.
import { createHash } from 'node:crypto';
import type { Node, Service } from '../../../generated/core-v1.ts';
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import { takesOutsideTraffic } from '../../api/core/load-balancer-nodes.ts';

/** Undefined when no node can take what comes. */
export function chooseNode(
  address: string,
  service: Service,
  slices: readonly EndpointSlice[],
  nodes: readonly Node[],
): string | undefined {
  const names = nodes.filter(takesOutsideTraffic).map(({ metadata }) => metadata.name);
  const wanted =
    service.spec?.externalTrafficPolicy === 'Local' ? names.filter((name) => hasEndpoint(name, slices)) : names;
  let [best, bestScore]: [string | undefined, string] = [undefined, ''];
  for (const name of wanted) {
    const score = createHash('sha256').update(`${address} ${name}`).digest('hex');
    if (score > bestScore) [best, bestScore] = [name, score];
  }
  return best;
}

const hasEndpoint = (nodeName: string, slices: readonly EndpointSlice[]) =>
  slices.some(({ endpoints }) =>
    (endpoints ?? []).some((endpoint) => endpoint.nodeName === nodeName && endpoint.conditions?.ready !== false),
  );
