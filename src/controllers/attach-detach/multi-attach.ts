import type { Pod } from '../../../generated/core-v1.ts';

export const multiAttach = 'Multi-Attach error';

/** Who keeps a disk that a pod waits for on another node; names of other namespaces are not told. */
export function whoHasIt(pod: Pod, others: readonly Pod[]): string {
  if (others.length === 0) return "Volume is already exclusively attached to one node and can't be attached to another";
  const local = others.filter(({ metadata }) => metadata.namespace === pod.metadata.namespace);
  const foreign = others.length - local.length;
  if (local.length === 0) return `Volume is already used by ${foreign} pod(s) in different namespaces`;
  const names = `Volume is already used by pod(s) ${local.map(({ metadata }) => metadata.name).join(', ')}`;
  return foreign > 0 ? `${names} and ${foreign} pod(s) in different namespaces` : names;
}
