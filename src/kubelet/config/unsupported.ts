// Settings of upstream's that would change what pods get, and that this agent does not have: refused, since a node that
// takes them and does something else is worse than one that does not start.

type Json = Readonly<Record<string, any>>;

/** Field, and the one value of it that can be had. */
const only: readonly (readonly [field: string, value: unknown])[] = [
  ['cpuManagerPolicy', 'none'],
  ['memoryManagerPolicy', 'None'],
  ['topologyManagerPolicy', 'none'],
  ['memoryReservationPolicy', 'None'],
  ['cgroupsPerQOS', true],
  ['protectKernelDefaults', false],
  ['readOnlyPort', 0],
  ['enableServer', true],
];

const enforced = ['pods', 'none'];

/** Judged after the defaults. Gives what is wrong, empty when nothing is. */
export function unsupportedSettings(json: Json): string[] {
  const problems = only
    .filter(([field, value]) => json[field] !== undefined && json[field] !== value)
    .map(([field, value]) => `${field}: must be ${JSON.stringify(value)}, got ${JSON.stringify(json[field])}`);
  const others = (json['enforceNodeAllocatable'] ?? []).filter((each: string) => !enforced.includes(each));
  if (others.length > 0)
    problems.push(`enforceNodeAllocatable: must be "pods" or "none", got "${others.join('", "')}"`);
  const swap = json['memorySwap']?.swapBehavior;
  if (swap && swap !== 'NoSwap') problems.push(`memorySwap.swapBehavior: must be "NoSwap", got "${swap}"`);
  if (json['reservedMemory']?.length > 0) problems.push('reservedMemory: must be empty: there is no memory manager');
  const ids = json['userNamespaces']?.idsPerPod;
  if (ids && ids !== 65_536) problems.push(`userNamespaces.idsPerPod: must be 65536, got ${ids}`);
  return problems;
}
