// Pod: the rules joined. What each rule is stands in the files beside this one.
import type { Pod } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { countGeneration, keepStatus } from '../meta/strategy.ts';
import { dropGatedPodFields } from './gated-pod-fields.ts';
import { podColumns } from './pod-columns.ts';
import { copyServiceAccount, defaultPod } from './pod-defaults.ts';
import { isFinished } from './pod-phase.ts';
import { preparePod } from './pod-preparation.ts';
import { resize } from './pod-resize.ts';
import { ephemeralContainers, podStatus } from './pod-subresources.ts';
import { validatePodUpdate } from './pod-update-validation.ts';
import { validateNewPod, validatePod } from './pod-validation.ts';
import { podWarnings, profileWarnings } from './pod-warnings.ts';

export const podKind: KindDefinition<Pod> = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  metadataLooks: ['change', 'object'],
  defaults: defaultPod,
  prepareForCreate: (pod, { nowMs }) => preparePod(pod, nowMs),
  prepareForUpdate(next, current) {
    keepStatus(next, current);
    dropGatedPodFields(next.spec);
    copyServiceAccount(next.spec!);
    if ((next.spec!.terminationGracePeriodSeconds ?? 0) < 0) next.spec!.terminationGracePeriodSeconds = 1;
    countGeneration(next, current, ['spec']);
  },
  validate: validatePod,
  validateCreate: validateNewPod,
  validateUpdate: validatePodUpdate,
  subresources: { status: podStatus, ephemeralcontainers: ephemeralContainers, resize },
  warnings: podWarnings,
  earlyWarnings: profileWarnings,
  columns: podColumns,
  rowConditions,
  returnsDeletedObject: true,
  graceSeconds,
};

/** Pods that run are asked to stop; those that never started or have ended go at once. */
function graceSeconds(pod: Pod, requested: number | undefined): number {
  const own = pod.spec?.terminationGracePeriodSeconds;
  const seconds = requested ?? own ?? 0;
  if (!pod.spec?.nodeName || isFinished(pod)) return 0;
  return seconds < 0 ? 1 : seconds;
}

const ends: Record<string, string> = {
  Succeeded: 'The pod has completed successfully.',
  Failed: 'The pod failed.',
};

function rowConditions({ status }: Pod): { type: string; status: string; reason: string; message: string }[] {
  const reason = status?.phase ?? '';
  const message = ends[reason];
  return message ? [{ type: 'Completed', status: 'True', reason, message }] : [];
}
