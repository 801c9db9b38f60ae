import type { ResourceQuota, ScopedResourceSelectorRequirement } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { quantityOf } from '../meta/quantity.ts';
import { isStandardQuotaName, validateQuotaResourceName, validateResourceAmount } from '../meta/resource-names.ts';
import { immutableMessage, keepStatus, statusRules } from '../meta/strategy.ts';
import { roundResources } from './resource-defaults.ts';

const podNames = ['pods', 'cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory'];
/** Which standard resources a scope can narrow. */
const scopes: Record<string, readonly string[]> = {
  Terminating: podNames,
  NotTerminating: podNames,
  BestEffort: ['pods'],
  NotBestEffort: podNames,
  PriorityClass: podNames,
  CrossNamespacePodAffinity: podNames,
  VolumeAttributesClass: ['persistentvolumeclaims', 'requests.storage'],
};
const existsOnly = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'];

function validateAmounts(list: Record<string, string> | undefined, at: FieldPath, errors: FieldErrors): void {
  for (const [name, amount] of Object.entries(list ?? {})) {
    validateQuotaResourceName(name, at.key(name), errors);
    validateResourceAmount(name, amount, at.key(name), errors);
  }
}

function hasConflict(names: readonly string[]): boolean {
  return [
    ['BestEffort', 'NotBestEffort'],
    ['Terminating', 'NotTerminating'],
  ].some((pair) => pair.every((scope) => names.includes(scope)));
}

const hardNames = ({ spec }: ResourceQuota): string[] =>
  Object.keys(spec?.hard ?? {})
    .filter(isStandardQuotaName)
    .sort();

function validateScopes(quota: ResourceQuota, errors: FieldErrors): void {
  const named: readonly string[] = quota.spec?.scopes ?? [];
  const at = path('spec', 'scopes');
  for (const scope of named) {
    if (!Object.hasOwn(scopes, scope)) errors.invalid(at, named, 'unsupported scope');
    for (const name of hardNames(quota)) {
      if (scopes[scope]?.includes(name) === false) errors.invalid(at, named, 'unsupported scope applied to resource');
    }
  }
  if (hasConflict(named)) errors.invalid(at, named, 'conflicting scopes');
}

function validateRequirement(requirement: ScopedResourceSelectorRequirement, at: FieldPath, errors: FieldErrors): void {
  const { scopeName, operator, values = [] } = requirement;
  if (existsOnly.includes(scopeName) && operator !== 'Exists') {
    errors.invalid(
      at.child('operator'),
      operator,
      "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
    );
  }
  if (operator === 'In' || operator === 'NotIn') {
    if (!values.length) {
      errors.required(
        at.child('values'),
        "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      );
    }
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length) {
      const problem = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      errors.invalid(at.child('values'), values, problem);
    }
  } else errors.invalid(at.child('operator'), operator, 'not a valid selector operator');
}

function validateScopeSelector(quota: ResourceQuota, errors: FieldErrors): void {
  const requirements = quota.spec?.scopeSelector?.matchExpressions ?? [];
  const at = path('spec', 'scopeSelector', 'matchExpressions');
  for (const requirement of requirements) {
    const { scopeName } = requirement;
    if (!Object.hasOwn(scopes, scopeName)) errors.invalid(at.child('scopeName'), scopeName, 'unsupported scope');
    for (const name of hardNames(quota)) {
      if (scopes[scopeName]?.includes(name) === false) {
        errors.invalid(
          at,
          goForm('io.k8s.api.core.v1.ScopeSelector', quota.spec!.scopeSelector),
          'unsupported scope applied to resource',
        );
      }
    }
    validateRequirement(requirement, at, errors);
  }
  if (hasConflict(requirements.map(({ scopeName }) => scopeName))) {
    errors.invalid(at, quota.spec?.scopes ?? null, 'conflicting scopes');
  }
}

function validateStatus({ status }: ResourceQuota, errors: FieldErrors): void {
  validateAmounts(status?.hard, path('status', 'hard'), errors);
  validateAmounts(status?.used, path('status', 'used'), errors);
}

/** Requests and limits of the quota, `used/hard` each. */
function usage({ status }: ResourceQuota, isLimit: boolean): string {
  const names = Object.keys(status?.hard ?? {})
    .sort()
    .filter((name) => name.startsWith('limits.') === isLimit);
  return names.map((name) => `${name}: ${status?.used?.[name] ?? '0'}/${status!.hard![name]}`).join(', ');
}

/** Requests beyond limits: no pod could use them. */
function excessWarnings({ spec }: ResourceQuota): string[] {
  const hard = spec?.hard ?? {};
  return ['cpu', 'memory', 'storage', 'ephemeral-storage'].flatMap((name) => {
    const isBare = hard[`requests.${name}`] === undefined && (name === 'cpu' || name === 'memory');
    const asked = isBare ? name : `requests.${name}`;
    const [request, limit] = [hard[asked], hard[`limits.${name}`]];
    if (request === undefined || limit === undefined || quantityOf(request).compare(quantityOf(limit)) <= 0) return [];
    return [`ResourceQuota ${asked} (${request}) should be less than limits.${name} (${limit})`];
  });
}

export const resourceQuotaKind: KindDefinition<ResourceQuota> = {
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  defaults({ spec, status }) {
    for (const list of [spec?.hard, status?.hard, status?.used]) roundResources(list);
  },
  returnsDeletedObject: true,
  prepareForCreate(object) {
    object.status = {};
  },
  prepareForUpdate: keepStatus,
  validate(object, errors) {
    validateAmounts(object.spec?.hard, path('spec', 'hard'), errors);
    validateScopes(object, errors);
    validateScopeSelector(object, errors);
  },
  validateUpdate(next, current, errors) {
    const sorted = (quota: ResourceQuota) => [...new Set(quota.spec?.scopes)].sort();
    if (!isEqual(sorted(next), sorted(current)))
      errors.invalid(path('spec', 'scopes'), next.spec?.scopes ?? null, immutableMessage);
  },
  warnings: (quota, current) => (current ? [] : excessWarnings(quota)),
  subresources: { status: statusRules({ validateUpdate: (next, _current, errors) => validateStatus(next, errors) }) },
  columns: [
    nameColumn,
    {
      name: 'Request',
      type: 'string',
      description: 'Request represents a minimum amount of cpu/memory that a container may consume.',
      cell: (quota) => usage(quota, false),
    },
    {
      name: 'Limit',
      type: 'string',
      description:
        'Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.',
      cell: (quota) => usage(quota, true),
    },
    ageColumn,
  ],
};
