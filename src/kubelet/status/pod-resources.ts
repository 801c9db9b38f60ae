// What a pod as a whole was given, and has: told of every pod, whether its spec says something of the whole or not.
import type { Pod, PodStatus } from '../../../generated/core-v1.ts';
import { podResources, type Resources } from '../../api/core/effective-resources.ts';
import { podLinuxResources } from '../resources.ts';

type Amounts = Record<string, string>;

export function podResourceStatus({ spec }: Pod, phase: string): Pick<PodStatus, 'allocatedResources' | 'resources'> {
  const allocated = texts(podResources(spec, 'requests'));
  const limits = texts(podResources(spec, 'limits'));
  const has = phase === 'Running' ? running(spec, allocated, limits) : { requests: allocated, limits };
  return {
    ...(isEmpty(allocated) ? {} : { allocatedResources: allocated }),
    resources: {
      ...(isEmpty(has.limits) ? {} : { limits: has.limits }),
      ...(isEmpty(has.requests) ? {} : { requests: has.requests }),
    },
  };
}

/** What its group is held to: limits only where there is one for all of the pod. */
function running(spec: Pod['spec'], allocated: Amounts, limits: Amounts): { requests: Amounts; limits: Amounts } {
  const { cpuQuota, memoryLimitInBytes } = podLinuxResources(spec);
  const only = (from: Amounts, names: readonly string[]) =>
    Object.fromEntries(names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]!]));
  const held = [...(cpuQuota === undefined ? [] : ['cpu']), ...(memoryLimitInBytes === undefined ? [] : ['memory'])];
  return {
    requests: { ...spec.resources?.requests, ...only(allocated, ['cpu', 'memory']) },
    limits: { ...spec.resources?.limits, ...only(limits, held) },
  };
}

const isEmpty = (amounts: Amounts) => Object.keys(amounts).length === 0;
const texts = (resources: Resources): Amounts =>
  Object.fromEntries(
    [...resources].map(([name, amount]) => [name, String(amount)]).sort(([a], [b]) => (a! < b! ? -1 : 1)),
  );
