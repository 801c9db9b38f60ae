// Pod: the rules joined. What each rule is stands in the files beside this one.

import type { Pod } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { countGeneration, keepStatus, statusRules } from '../meta/strategy.ts';
import { podColumns } from './pod-columns.ts';
import { copyServiceAccount, defaultPod } from './pod-defaults.ts';
import { qosClassOf } from './pod-qos.ts';
import { validateNewPod, validatePod } from './pod-validation.ts';

export const podKind: KindDefinition<Pod> = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  defaults: defaultPod,
  prepareForCreate(pod) {
    pod.metadata.generation = 1;
    pod.status = { phase: 'Pending', qosClass: qosClassOf(pod.spec!) };
    copyServiceAccount(pod.spec!);
  },
  prepareForUpdate(next, current) {
    keepStatus(next, current);
    copyServiceAccount(next.spec!);
    countGeneration(next, current);
  },
  validate: (pod, errors) => {
    validatePod(pod, errors);
    if (!pod.metadata.resourceVersion) validateNewPod(pod, errors);
  },
  subresources: {
    status: statusRules(),
  },
  columns: podColumns,
  returnsDeletedObject: true,
  allowsUnconditionalUpdate: true,
  graceSeconds(pod, requested) {
    const seconds = requested ?? pod.spec?.terminationGracePeriodSeconds ?? 0;
    const isRunning = pod.spec?.nodeName && pod.status?.phase !== 'Failed' && pod.status?.phase !== 'Succeeded';
    return isRunning ? Math.max(seconds, seconds < 0 ? 1 : 0) : 0;
  },
};
