// The quality-of-service class of a pod: who is evicted first.
import type { PodSpec, ResourceRequirements } from '../../../generated/core-v1.ts';
import { quantityOf } from '../meta/quantity.ts';

const counted = ['cpu', 'memory'];

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

export function qosClassOf(spec: PodSpec): QosClass {
  const all: (ResourceRequirements | undefined)[] = spec.resources
    ? [spec.resources]
    : [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ resources }) => resources);
  const asks = (list: Record<string, string> | undefined, name: string): boolean =>
    list?.[name] !== undefined && quantityOf(list[name]).sign > 0;
  const isAsking = all.some((each) => counted.some((name) => asks(each?.requests, name) || asks(each?.limits, name)));
  if (!isAsking) return 'BestEffort';
  const isFixed = all.every((each) =>
    counted.every((name) => {
      if (!asks(each?.limits, name)) return false;
      const requested = each?.requests?.[name];
      return requested === undefined || quantityOf(requested).compare(quantityOf(each!.limits![name])) === 0;
    }),
  );
  return isFixed ? 'Guaranteed' : 'Burstable';
}
