// A node that is short of something takes no pods that would make it worse.
import type { Pod } from '../../../generated/core-v1.ts';
import type { Rejection } from '../pods/admission.ts';
import { isCriticalPod } from '../pods/pod-ending.ts';
import { qosClassOf } from '../resources.ts';
import type { Pressure } from './thresholds.ts';

const memoryTaint = 'node.kubernetes.io/memory-pressure';

export function pressureRejection(pod: Pod, pressures: ReadonlySet<Pressure>): Rejection | undefined {
  if (pressures.size === 0 || isCriticalPod(pod)) return undefined;
  const isMemoryAlone = pressures.size === 1 && pressures.has('MemoryPressure');
  if (isMemoryAlone && (qosClassOf(pod.spec) !== 'BestEffort' || toleratesMemoryPressure(pod))) return undefined;
  return { reason: 'Evicted', message: `The node had condition: [${[...pressures].join(' ')}]. ` };
}

function toleratesMemoryPressure({ spec }: Pod): boolean {
  return (spec.tolerations ?? []).some(
    ({ key, operator, value, effect }) =>
      (effect === undefined || effect === 'NoSchedule') &&
      (operator === 'Exists' ? key === undefined || key === memoryTaint : key === memoryTaint && !value),
  );
}
