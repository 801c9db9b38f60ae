// Writing part of a pod: status, debugging containers, resources of what runs.
import type { Container, EphemeralContainer, Pod, PodSpec } from '../../../generated/core-v1.ts';
import type { SubresourceRules } from '../kind.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { countGeneration, keep, keepStatus, statusRules } from '../meta/strategy.ts';
import { qosClassOf } from './pod-qos.ts';
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
      // Not on in clusters that are not asked for it.
      delete next.status.nodeAllocatableResourceClaimStatuses;
    }
  },
};

/** Takes only the named part of the spec from the client; metadata stays, too. */
function keepAllBut(next: Pod, current: Pod, pick: (spec: PodSpec, from: PodSpec) => void): void {
  const spec = structuredClone(current.spec!);
  pick(spec, next.spec!);
  next.spec = spec;
  const { resourceVersion } = next.metadata;
  next.metadata = { ...structuredClone(current.metadata), ...(resourceVersion ? { resourceVersion } : {}) };
  keepStatus(next, current);
  countGeneration(next, current, ['spec']);
}

export const ephemeralContainers: SubresourceRules<Pod> = {
  prepareForUpdate: (next, current) =>
    keepAllBut(next, current, (spec, from) => {
      if (from.ephemeralContainers) spec.ephemeralContainers = from.ephemeralContainers;
      else delete spec.ephemeralContainers;
    }),
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

export const resize: SubresourceRules<Pod> = {
  prepareForUpdate: (next, current) =>
    keepAllBut(next, current, (spec, from) => {
      for (const list of ['containers', 'initContainers'] as const) {
        spec[list]?.forEach((container: Container) => {
          const wanted = from[list]?.find(({ name }) => name === container.name);
          if (!wanted) return;
          container.resources = wanted.resources ?? {};
          if (wanted.resizePolicy) container.resizePolicy = wanted.resizePolicy;
          else delete container.resizePolicy;
        });
      }
      if (from.resources) spec.resources = from.resources;
    }),
  validateUpdate(next, current, errors) {
    validatePod(next, errors);
    validateResize(next, current, errors);
  },
};

function validateResize(next: Pod, current: Pod, errors: FieldErrors): void {
  const { status } = current;
  if (status?.qosClass && qosClassOf(next.spec!) !== status.qosClass) {
    errors.invalid(at, status.qosClass, 'Pod QOS Class may not change as a result of resizing');
  }
  if (current.spec?.os?.name === 'windows') errors.forbidden(at, 'windows pods cannot be resized');
  for (const list of ['containers', 'initContainers'] as const) {
    next.spec?.[list]?.forEach((container: Container, index) => {
      const old = current.spec?.[list]?.[index];
      if (!old) return;
      for (const part of ['requests', 'limits'] as const) {
        for (const name of Object.keys(old.resources?.[part] ?? {})) {
          if (container.resources?.[part]?.[name] !== undefined) continue;
          const place = at.child(list).index(index).child('resources', part);
          errors.forbidden(place, `resource ${part} cannot be removed`);
        }
      }
    });
  }
  const settled = withResourcesOf(next.spec!, current.spec!);
  if (isEqual(settled, current.spec)) return;
  errors.forbidden(at, 'only cpu and memory resources are mutable');
}

/** The new spec with cpu and memory set back: the rest must be equal. */
function withResourcesOf(spec: PodSpec, before: PodSpec): PodSpec {
  const settled = structuredClone(spec);
  for (const list of ['containers', 'initContainers'] as const) {
    settled[list]?.forEach((container: Container, index) => {
      const old = before[list]?.[index];
      if (!old) return;
      const rest = (resources: Container['resources']): unknown =>
        Object.entries({ ...resources?.limits, ...resources?.requests }).filter(
          ([name]) => name !== 'cpu' && name !== 'memory',
        );
      if (isEqual(rest(container.resources), rest(old.resources))) container.resources = old.resources ?? {};
    });
  }
  if (before.resources) settled.resources = before.resources;
  return settled;
}
