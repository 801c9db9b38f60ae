import type { Pod } from '../../../../generated/core-v1.ts';
import { podKind, priorityClassKind } from '../../../../generated/kinds.ts';
import type { PriorityClass } from '../../../../generated/scheduling-v1.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { isAbout, refuse } from '../refuse.ts';

const systemClasses = new Set(['system-node-critical', 'system-cluster-critical']);

/** Turns a pod's priority class into its number and its preemption policy. */
export const priority: AdmissionPlugin = {
  name: 'Priority',
  admit(request, context) {
    if (!isAbout(request, podKind)) return;
    if (request.operation === 'CREATE') return setPriority(request, context);
    if (request.operation !== 'UPDATE') return;
    const [{ spec }, { spec: old }] = [request.object as Pod, request.oldObject as Pod];
    if (spec.priority === undefined && old.priority !== undefined) spec.priority = old.priority;
    if (spec.preemptionPolicy === undefined && old.preemptionPolicy !== undefined)
      spec.preemptionPolicy = old.preemptionPolicy;
  },
  validate(request, { objects }) {
    if (!isAbout(request, priorityClassKind)) return;
    if (request.operation === 'DELETE') {
      if (systemClasses.has(request.name))
        throw refuse(request, 'this is a system priority class and cannot be deleted');
      return;
    }
    const next = request.object as PriorityClass;
    if (!next.globalDefault) return;
    const other = objects
      .list(priorityClassKind)
      .find((each) => each.globalDefault && each.metadata.name !== next.metadata.name);
    if (other)
      throw refuse(
        request,
        `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`,
      );
  },
};

function setPriority(request: AdmissionRequest, { objects }: AdmissionContext): void {
  const { spec } = request.object as Pod;
  const name = spec.priorityClassName;
  const found = name ? objects.find(priorityClassKind, '', name) : defaultClass(objects.list(priorityClassKind));
  if (name && !found) throw refuse(request, `no PriorityClass with name ${name} was found`);
  const value = found?.value ?? 0;
  const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority';
  if (spec.priority !== undefined && spec.priority !== value) {
    throw refuse(
      request,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    );
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    throw refuse(
      request,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
    );
  }
  if (found) spec.priorityClassName = found.metadata.name;
  spec.priority = value;
  spec.preemptionPolicy = policy;
}

/** Of several, which a race can leave behind, the lowest. */
function defaultClass(classes: readonly PriorityClass[]): PriorityClass | undefined {
  return classes.filter((each) => each.globalDefault).sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
}
