// Spreads the endpoints of a Service over slices, changing as few slices as it can: every change goes to every node.
import type { Endpoint, EndpointPort, EndpointSlice } from '../../../generated/discovery-v1.ts';
import { isEqual } from '../../api/meta/equality.ts';

/** Endpoints that share their ports. */
export interface EndpointGroup {
  readonly ports: readonly EndpointPort[];
  /** By what makes an endpoint the same one as before: the uid of its pod, or its address. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
}

export interface SliceContent {
  readonly endpoints: Endpoint[];
  readonly ports: EndpointPort[];
}

export interface SlicePlan {
  readonly create: SliceContent[];
  /** `isReused`: it held other ports. */
  readonly update: { readonly slice: EndpointSlice; readonly content: SliceContent; readonly isReused?: true }[];
  readonly delete: EndpointSlice[];
}

const mostPerSlice = 100;

export const identityOf = (endpoint: Endpoint): string => endpoint.targetRef?.uid ?? endpoint.addresses[0] ?? '';

interface Draft {
  readonly slice: EndpointSlice;
  readonly ports: EndpointPort[];
  readonly endpoints: Endpoint[];
  isChanged: boolean;
}

export function planSlices(
  existing: readonly EndpointSlice[],
  groups: readonly EndpointGroup[],
  maxPerSlice = mostPerSlice,
): SlicePlan {
  const plan: SlicePlan = { create: [], update: [], delete: [] };
  const unused = new Set(existing);
  const filled = groups.filter((group) => group.endpoints.size > 0);
  const further = filled.flatMap((group) => planGroup(group, unused, plan, maxPerSlice));
  // What no group keeps, and only that, may become another group's.
  const rest = [...plan.delete.splice(0), ...unused];
  while (rest.length > 0 && further.length > 0)
    plan.update.push({ slice: rest.shift()!, content: further.pop()!, isReused: true });
  plan.create.push(...further);
  if (filled.length === 0) {
    // One empty slice says that the Service is known and has nothing behind it.
    const [placeholder] = rest.splice(0, 1);
    const empty: SliceContent = { endpoints: [], ports: [] };
    if (!placeholder) plan.create.push(empty);
    else if (!isEqual(placeholder.endpoints, []) || !isEqual(placeholder.ports, [])) {
      plan.update.push({ slice: placeholder, content: empty });
    }
  }
  plan.delete.push(...rest);
  return plan;
}

/** Plans for the slices that have the group's ports; gives what does not fit into them. */
function planGroup(
  group: EndpointGroup,
  unused: Set<EndpointSlice>,
  plan: SlicePlan,
  maxPerSlice: number,
): SliceContent[] {
  const drafts: Draft[] = [];
  const left = new Map(group.endpoints);
  const ports = [...group.ports];
  for (const slice of [...unused]) {
    if (!isEqual(slice.ports, ports)) continue;
    unused.delete(slice);
    drafts.push(keepWanted(slice, ports, left, maxPerSlice));
  }
  for (const [id, endpoint] of left) {
    const draft = drafts.find(({ endpoints }) => endpoints.length < maxPerSlice);
    if (!draft) break;
    draft.endpoints.push(endpoint);
    draft.isChanged = true;
    left.delete(id);
  }
  for (const { slice, endpoints, isChanged } of drafts) {
    if (endpoints.length === 0) plan.delete.push(slice);
    else if (isChanged) plan.update.push({ slice, content: { endpoints, ports } });
  }
  const rest = [...left.values()];
  const further: SliceContent[] = [];
  for (let start = 0; start < rest.length; start += maxPerSlice)
    further.push({ endpoints: rest.slice(start, start + maxPerSlice), ports });
  return further;
}

/** What of a slice stays; takes it out of `left`. */
function keepWanted(
  slice: EndpointSlice,
  ports: EndpointPort[],
  left: Map<string, Endpoint>,
  maxPerSlice: number,
): Draft {
  const draft: Draft = { slice, ports, endpoints: [], isChanged: false };
  for (const endpoint of slice.endpoints ?? []) {
    const id = identityOf(endpoint);
    const wanted = left.get(id);
    if (!wanted || draft.endpoints.length >= maxPerSlice) {
      draft.isChanged = true;
      continue;
    }
    left.delete(id);
    draft.endpoints.push(wanted);
    if (!isEqual(wanted, endpoint)) draft.isChanged = true;
  }
  return draft;
}
