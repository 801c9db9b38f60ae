// Pod: the rules joined. What each rule is stands in the files beside this one.
import type { Pod } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { countGeneration, keepStatus } from '../meta/strategy.ts';
import { podColumns } from './pod-columns.ts';
import { copyServiceAccount, defaultPod } from './pod-defaults.ts';
import { preparePod } from './pod-preparation.ts';
import { ephemeralContainers, podStatus, resize } from './pod-subresources.ts';
import { validatePodUpdate } from './pod-update-validation.ts';
import { validateNewPod, validatePod } from './pod-validation.ts';
import { podWarnings } from './pod-warnings.ts';

export const podKind: KindDefinition<Pod> = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  defaults: defaultPod,
  prepareForCreate: (pod, { nowMs }) => preparePod(pod, nowMs),
  prepareForUpdate(next, current) {
    keepStatus(next, current);
    copyServiceAccount(next.spec!);
    countGeneration(next, current, ['spec']);
  },
  validate(pod, errors) {
    validatePod(pod, errors);
    if (!pod.metadata.resourceVersion) validateNewPod(pod, errors);
  },
  validateUpdate: validatePodUpdate,
  subresources: { status: podStatus, ephemeralcontainers: ephemeralContainers, resize },
  warnings: podWarnings,
  columns: podColumns,
  returnsDeletedObject: true,
  graceSeconds,
};

/** Pods that run are asked to stop; those that never started or have ended go at once. */
function graceSeconds(pod: Pod, requested: number | undefined): number {
  const own = pod.spec?.terminationGracePeriodSeconds;
  const seconds = requested ?? own ?? 0;
  const { phase } = pod.status ?? {};
  if (!pod.spec?.nodeName || phase === 'Failed' || phase === 'Succeeded') return 0;
  return seconds < 0 ? 1 : seconds;
}
