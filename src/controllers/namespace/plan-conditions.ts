import type { NamespaceCondition } from '../../../generated/core-v1.ts';
import { withCondition } from '../../api/meta/conditions.ts';
import { timeText } from '../../api/meta/time.ts';
import type { NamespaceContent } from './empty-namespace.ts';

export interface NamespaceProgress extends NamespaceContent {
  readonly undiscovered: readonly string[];
}

type Fact = readonly [reason: string, message: string];
interface Aspect {
  readonly type: string;
  /** Undefined: all is well. */
  readonly problem: Fact | undefined;
  readonly well: Fact;
}

/** What keeps a namespace, in upstream's words. */
export function planConditions(
  current: readonly NamespaceCondition[] | undefined,
  progress: NamespaceProgress,
  nowMs: number,
): NamespaceCondition[] {
  let conditions: NamespaceCondition[] = [...(current ?? [])];
  for (const { type, problem, well } of aspects(progress)) {
    const [reason, message] = problem ?? well;
    const status = problem ? 'True' : 'False';
    conditions = withCondition(conditions, { type, status, lastTransitionTime: timeText(nowMs), reason, message });
  }
  return conditions;
}

function aspects({ undiscovered, failures, remaining, finalizers }: NamespaceProgress): Aspect[] {
  const quoted = (texts: readonly string[]) => `[${texts.join(', ')}]`;
  const counted = (counts: ReadonlyMap<string, number>, verb: string) =>
    [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => `${name} ${verb} ${count} resource instances`);
  return [
    {
      type: 'NamespaceDeletionDiscoveryFailure',
      problem:
        undiscovered.length > 0
          ? [
              'DiscoveryFailed',
              `Discovery failed for some groups, ${undiscovered.length} failing: ${quoted(undiscovered)}`,
            ]
          : undefined,
      well: ['ResourcesDiscovered', 'All resources successfully discovered'],
    },
    {
      type: 'NamespaceDeletionGroupVersionParsingFailure',
      problem: undefined,
      well: ['ParsedGroupVersions', 'All legacy kube types successfully parsed'],
    },
    {
      type: 'NamespaceDeletionContentFailure',
      problem:
        failures.length > 0
          ? [
              'ContentDeletionFailed',
              `Failed to delete all resource types, ${failures.length} remaining: ${failures.join(', ')}`,
            ]
          : undefined,
      well: ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
    },
    {
      type: 'NamespaceContentRemaining',
      problem:
        remaining.size > 0
          ? ['SomeResourcesRemain', `Some resources are remaining: ${counted(remaining, 'has').join(', ')}`]
          : undefined,
      well: ['ContentRemoved', 'All content successfully removed'],
    },
    {
      type: 'NamespaceFinalizersRemaining',
      problem:
        finalizers.size > 0
          ? [
              'SomeFinalizersRemain',
              `Some content in the namespace has finalizers remaining: ${counted(finalizers, 'in').join(', ')}`,
            ]
          : undefined,
      well: ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
    },
  ];
}
