// A solution as the status of a claim says it.
import type { NodeSelector, NodeSelectorRequirement } from '../../../generated/core-v1.ts';
import type {
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceRequestAllocationResult,
} from '../../../generated/resource-v1.ts';
import { isEqual } from '../../api/meta/equality.ts';
import type { Chosen, ClaimSolution } from './allocator.ts';
import type { AskedClaim } from './asks.ts';

/** `newShareId` makes a UUID. */
export function allocationResult(
  { claim }: AskedClaim,
  solution: ClaimSolution,
  nodeName: string,
  newShareId: () => string,
): AllocationResult {
  const results = solution.devices.map((each) => resultOf(each, newShareId));
  const config = [...classConfig(solution), ...claimConfig(claim.spec.devices?.config ?? [], solution)];
  const nodeSelector = selectorFor(solution.devices, nodeName);
  return {
    devices: { ...(results.length > 0 ? { results } : {}), ...(config.length > 0 ? { config } : {}) },
    ...(nodeSelector ? { nodeSelector } : {}),
  };
}

function resultOf({ ask, pool, device, consumed }: Chosen, newShareId: () => string): DeviceRequestAllocationResult {
  const amounts = [...(consumed ?? [])].map(([name, amount]) => [name, amount.toString()] as const).sort();
  return {
    request: ask.name,
    driver: pool.driver,
    pool: pool.name,
    device: device.name,
    ...(ask.adminAccess ? { adminAccess: true } : {}),
    ...(ask.tolerations?.length ? { tolerations: [...ask.tolerations] } : {}),
    ...(device.bindingConditions?.length ? { bindingConditions: device.bindingConditions } : {}),
    ...(device.bindingFailureConditions?.length ? { bindingFailureConditions: device.bindingFailureConditions } : {}),
    ...(consumed ? { shareID: newShareId() } : {}),
    ...(amounts.length > 0 ? { consumedCapacity: Object.fromEntries(amounts) } : {}),
  };
}

/** Each class once, for all the requests that name it. */
function classConfig({ asks }: ClaimSolution): DeviceAllocationConfiguration[] {
  const byClass = new Map<string, string[]>();
  const found: DeviceAllocationConfiguration[] = [];
  for (const { name, deviceClass } of asks) {
    const known = byClass.get(deviceClass.metadata.name);
    if (known) {
      known.push(name);
      continue;
    }
    const requests = [name];
    byClass.set(deviceClass.metadata.name, requests);
    for (const config of deviceClass.spec.config ?? []) found.push({ source: 'FromClass', requests, ...config });
  }
  return found;
}

/** Configurations of requests that were met; one of none is for all. */
function claimConfig(
  configs: readonly { requests?: string[] }[],
  { asks }: ClaimSolution,
): DeviceAllocationConfiguration[] {
  return configs.flatMap((config) => {
    const entry: DeviceAllocationConfiguration = { source: 'FromClaim', ...config };
    if (!config.requests?.length) return [entry];
    return asks
      .filter(
        ({ request, alternative }) =>
          config.requests!.includes(request) || config.requests!.includes(alternative ?? ''),
      )
      .map(() => entry);
  });
}

/** Where the devices can be used; undefined: everywhere. */
function selectorFor(devices: readonly Chosen[], nodeName: string): NodeSelector | undefined {
  const matchFields: NodeSelectorRequirement[] = [];
  const matchExpressions: NodeSelectorRequirement[] = [];
  for (const { slice, device } of devices) {
    const reach = slice.spec.perDeviceNodeSelection ? device : slice.spec;
    if (reach.nodeName || device.bindsToNode) return onlyOn(nodeName);
    const [term] = reach.nodeSelector?.nodeSelectorTerms ?? [];
    addNew(matchFields, term?.matchFields);
    addNew(matchExpressions, term?.matchExpressions);
  }
  if (matchFields.length + matchExpressions.length === 0) return undefined;
  const term = {
    ...(matchExpressions.length > 0 ? { matchExpressions } : {}),
    ...(matchFields.length > 0 ? { matchFields } : {}),
  };
  return { nodeSelectorTerms: [term] };
}

const onlyOn = (name: string): NodeSelector => ({
  nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }],
});

function addNew(into: NodeSelectorRequirement[], from: readonly NodeSelectorRequirement[] | undefined): void {
  const same = (a: NodeSelectorRequirement, b: NodeSelectorRequirement) =>
    a.key === b.key &&
    a.operator === b.operator &&
    isEqual(new Set(a.values).size, new Set(b.values).size) &&
    (a.values ?? []).every((value) => b.values?.includes(value));
  for (const each of from ?? []) if (!into.some((known) => same(known, each))) into.push(each);
}
