// Devices that the pod's claims ask for. Claims are allocated here, before the pod is bound (devices/claim-bindings.ts).
import type { ResourceClaim } from '../../../generated/resource-v1.ts';
import { NodeProblem } from '../devices/allocator.ts';
import type { Devices } from '../devices/devices.ts';
import { allocateOn, type ClaimsInHand, takeInHand, unavailableClaims } from '../devices/plan.ts';
import type { NodeView } from '../node-cache.ts';
import {
  accepted,
  Blocked,
  type Filter,
  normalized,
  PluginError,
  type Refusal,
  refusedForGood,
  type Score,
} from '../plugin.ts';
import type { PodView } from '../pod-view.ts';

const name = 'DynamicResources';
const elsewhere = refusedForGood('resourceclaim not available on the node');

export const dynamicResources: Filter = {
  name,
  wokenBy: ['devices', 'node-added', 'node-labels', 'node-room'],
  prepare(pod, { devices }) {
    if (!devices) return undefined;
    const inHand = prepared(pod, devices);
    if (!inHand || inHand instanceof Blocked) return inHand;
    return (node) => {
      if (unavailableClaims(inHand, node, devices.nowMs).length > 0) return elsewhere;
      return whyNotAllocated(inHand, node, devices);
    };
  },
};

function prepared({ pod }: PodView, devices: Devices): ClaimsInHand | Blocked | undefined {
  try {
    return takeInHand(pod, devices);
  } catch (error) {
    throw new PluginError(`running "${name}" filter plugin: ${(error as Error).message}`);
  }
}

function whyNotAllocated(inHand: ClaimsInHand, node: NodeView, devices: Devices): readonly Refusal[] {
  try {
    return allocateOn(inHand, node, devices) ? accepted : refusedForGood('cannot allocate all claims');
  } catch (error) {
    if (error instanceof NodeProblem) return refusedForGood(error.message);
    throw new PluginError(`running "${name}" filter plugin: ${(error as Error).message}`);
  }
}

const maxAlternatives = 8;

/** Prefers nodes where earlier alternatives can be had. */
export const dynamicResourcesScore: Score = {
  name,
  weight: 2,
  score(pod, nodes, { devices }) {
    const inHand = devices && pod.pod.spec.resourceClaims?.length ? prepared(pod, devices) : undefined;
    if (!inHand || inHand instanceof Blocked) return undefined;
    const hasChoice = inHand.claims.some(({ spec }) => spec.devices?.requests?.some((each) => each.firstAvailable));
    if (!hasChoice) return undefined;
    const given = inHand.claims
      .filter(({ status }) => status?.allocation)
      .reduce((sum, claim) => sum + worth(claim), 0);
    return normalized(nodes.map((node) => given + worthOn(inHand, node, devices!)));
  },
};

/** An alternative is worth the more the earlier it is named. */
function worthOfName({ spec }: ResourceClaim, result: string): number {
  for (const { name: request, firstAvailable = [] } of spec.devices?.requests ?? []) {
    const index = firstAvailable.findIndex((each) => `${request}/${each.name}` === result);
    if (index >= 0) return maxAlternatives - index;
  }
  return 0;
}

function worth(claim: ResourceClaim): number {
  const names = new Set((claim.status?.allocation?.devices?.results ?? []).map(({ request }) => request));
  return [...names].reduce((sum, each) => sum + worthOfName(claim, each), 0);
}

function worthOn(inHand: ClaimsInHand, node: NodeView, devices: Devices): number {
  const solutions = allocateOn(inHand, node, devices) ?? [];
  return solutions.slice(0, inHand.toAllocate.length).reduce((sum, { asks }, index) => {
    const { claim } = inHand.toAllocate[index]!;
    return sum + asks.reduce((total, ask) => total + worthOfName(claim, ask.name), 0);
  }, 0);
}

/**
 * A claim of the pod that holds devices where the pod cannot go, and that nobody else needs: without them it may get
 * others. `refusals` are those of the cycle.
 */
export function claimToDeallocate(
  pod: PodView,
  nodes: readonly NodeView[],
  refusals: Pick<ReadonlyMap<string, readonly Refusal[]>, 'get'>,
  devices: Devices,
): ResourceClaim | undefined {
  const inHand = takeInHand(pod.pod, devices);
  if (!inHand || inHand instanceof Blocked) return undefined;
  const isFree = ({ status }: ResourceClaim) =>
    (status?.reservedFor ?? []).every(({ uid }, index) => index === 0 && uid === pod.pod.metadata.uid);
  for (const node of nodes) {
    if (!refusals.get(node.name)?.includes(elsewhere[0]!)) continue;
    const claim = unavailableClaims(inHand, node, devices.nowMs).find(isFree);
    if (claim) return claim;
  }
  return undefined;
}
