// Writing part of a pod: status, debugging containers. Resources of what runs: pod-resize.ts.
import type { EphemeralContainer, Pod } from '../../../generated/core-v1.ts';
import type { SubresourceRules } from '../kind.ts';
import { isEqual } from '../meta/equality.ts';
import { path } from '../meta/field-errors.ts';
import { countGeneration, keep, keepMetadata, keepStatus, statusRules } from '../meta/strategy.ts';
import { dropGatedPodFields, dropGatedPodStatus } from './gated-pod-fields.ts';
import { settleStatusAddresses, validatePodStatusUpdate } from './pod-status-validation.ts';
import { validatePod } from './pod-validation.ts';

const at = path('spec');

const plainStatus = statusRules<Pod>({ validateUpdate: validatePodStatusUpdate });

export const podStatus: SubresourceRules<Pod> = {
  ...plainStatus,
  prepareForUpdate(next, current, context) {
    plainStatus.prepareForUpdate(next, current, context);
    keep(next.metadata, current.metadata, 'deletionTimestamp', 'ownerReferences');
    if (next.status) {
      next.status.qosClass ??= current.status?.qosClass as never;
      settleStatusAddresses(next.status);
      dropGatedPodStatus(next.status);
    }
  },
};

/** Takes only the debugging containers from the client; metadata stays, too. */
function keepAllButEphemeral(next: Pod, current: Pod): void {
  const spec = structuredClone(current.spec!);
  const { ephemeralContainers: asked } = next.spec!;
  if (asked) spec.ephemeralContainers = asked;
  else delete spec.ephemeralContainers;
  dropGatedPodFields(spec);
  next.spec = spec;
  keepMetadata(next, current);
  keepStatus(next, current);
  countGeneration(next, current, ['spec']);
}

export const ephemeralContainers: SubresourceRules<Pod> = {
  prepareForUpdate: keepAllButEphemeral,
  validateUpdate(next, current, errors) {
    validatePod(next, errors);
    const place = at.child('ephemeralContainers');
    const list = next.spec?.ephemeralContainers ?? [];
    for (const old of current.spec?.ephemeralContainers ?? []) {
      const index = list.findIndex(({ name }) => name === old.name);
      if (index < 0) errors.forbidden(place, `existing ephemeral containers "${old.name}" may not be removed\n`);
      else if (!isEqual(list[index] as EphemeralContainer, old)) {
        errors.forbidden(place, `existing ephemeral containers "${old.name}" may not be changed\n`);
      }
    }
  },
};
