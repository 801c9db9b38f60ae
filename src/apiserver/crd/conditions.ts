// The status that the server writes to a definition.
import type { CustomResourceDefinition } from '../../../generated/apiextensions-v1.ts';
import { isConditionTrue, withCondition } from '../../api/meta/conditions.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { NameDecision } from './names.ts';

type Status = NonNullable<CustomResourceDefinition['status']>;
type Condition = NonNullable<Status['conditions']>[number];

export const isEstablished = ({ status }: CustomResourceDefinition): boolean =>
  isConditionTrue(status?.conditions, 'Established');

function conditionOf(type: string, status: string, reason: string, message: string, nowMs: number): Condition {
  return { type, status, lastTransitionTime: rfc3339(nowMs), reason, message };
}

/** The definition's status with what was decided about its names. */
export function statusAfter(definition: CustomResourceDefinition, decision: NameDecision, nowMs: number): Status {
  const { conflict, accepted } = decision;
  let conditions = withCondition(
    definition.status?.conditions,
    conflict
      ? conditionOf('NamesAccepted', 'False', conflict.reason, conflict.message, nowMs)
      : conditionOf('NamesAccepted', 'True', 'NoConflicts', 'no conflicts found', nowMs),
  );
  const first = conflict
    ? conditionOf('Established', 'False', 'NotAccepted', 'not all names are accepted', nowMs)
    : conditionOf('Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted', nowMs);
  // What was served once stays served, whatever names are asked for later.
  if (!isEstablished(definition)) conditions = withCondition(conditions, first);
  return { ...definition.status, conditions, acceptedNames: accepted } as Status;
}

export function withTerminating(
  definition: CustomResourceDefinition,
  status: 'True' | 'False',
  reason: string,
  message: string,
  nowMs: number,
): Status {
  const conditions = withCondition(
    definition.status?.conditions,
    conditionOf('Terminating', status, reason, message, nowMs),
  );
  return { ...definition.status, conditions } as Status;
}
