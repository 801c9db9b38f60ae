// The definition of a custom resource as an object of its own; serving what it defines is another matter.
import type { CustomResourceDefinition } from '../../../generated/apiextensions-v1.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { KindDefinition } from '../kind.ts';
import { withCondition } from '../meta/conditions.ts';
import { countGeneration, keepStatus, startGeneration, statusRules } from '../meta/strategy.ts';
import { validateDefinitionUpdate, validateNewDefinition } from './definition-validation.ts';
import { formatWarnings } from './unknown-formats.ts';

/** Holds a definition until all objects of its kind are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

export const customResourceDefinitionKind: KindDefinition<CustomResourceDefinition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  takesAnyFinalizer: true,
  allowsUnconditionalUpdate: false,
  defaults({ spec }) {
    if (!spec) return;
    const { names } = spec;
    if (names?.kind) {
      names.singular ||= names.kind.toLowerCase();
      names.listKind ||= `${names.kind}List`;
    }
    spec.conversion ??= { strategy: 'None' };
    const service = spec.conversion.webhook?.clientConfig?.service;
    if (service) service.port ??= 443;
  },
  prepareForCreate(object) {
    startGeneration(object);
    const stored = (object.spec?.versions ?? [])
      .filter(({ storage }) => storage)
      .map(({ name }) => name)
      .slice(0, 1);
    object.status = { conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions: stored } as never;
  },
  prepareForUpdate(next, current) {
    keepStatus(next, current);
    countGeneration(next, current);
    // A version that was ever the storage version stays listed until someone says that nothing is stored in it.
    const stored = next.spec?.versions?.find(({ storage }) => storage)?.name;
    const known = next.status?.storedVersions ?? [];
    if (stored && !known.includes(stored))
      next.status = { ...next.status, storedVersions: [...known, stored] } as never;
  },
  validateCreate: validateNewDefinition,
  validateUpdate: validateDefinitionUpdate,
  warnings: (next, current) => formatWarnings(next.spec, current?.spec),
  prepareForDelete(object, nowMs) {
    const { metadata } = object;
    if (!metadata.finalizers?.includes(cleanupFinalizer)) {
      metadata.finalizers = [...(metadata.finalizers ?? []), cleanupFinalizer];
    }
    const conditions = withCondition(object.status?.conditions ?? undefined, {
      type: 'Terminating',
      status: 'True',
      lastTransitionTime: rfc3339(nowMs),
      reason: 'InstanceDeletionPending',
      message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
    });
    object.status = { ...object.status, conditions } as never;
  },
  subresources: { status: statusRules({ keepsMetadata: true }) },
};
