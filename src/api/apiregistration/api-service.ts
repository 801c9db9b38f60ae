import type { APIService } from '../../../generated/apiregistration-v1.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import {
  dns1035LabelProblems,
  dns1123SubdomainProblems,
  pathSegmentNameRule,
  portNumberProblems,
} from '../meta/names.ts';
import { keepStatus, statusRules } from '../meta/strategy.ts';
import { required, validateBy } from '../meta/value-validation.ts';

function validateName({ metadata, spec }: APIService, errors: FieldErrors): void {
  const wanted = `${spec.version ?? ''}.${spec.group ?? ''}`;
  if (metadata.name && metadata.name !== wanted) {
    errors.invalid(path('metadata', 'name'), metadata.name, `must be \`spec.version+"."+spec.group\`: "${wanted}"`);
  }
}

function validatePriority(
  field: 'groupPriorityMinimum' | 'versionPriority',
  value: number,
  max: number,
  errors: FieldErrors,
): void {
  if (value <= 0 || value > max) {
    errors.invalid(path('spec', field), value, `must be positive and less than ${max === 1000 ? '1000' : '20000'}`);
  }
}

function availableCell({ status }: APIService): string {
  const condition = status?.conditions?.find(({ type }) => type === 'Available');
  if (!condition) return 'Unknown';
  return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`;
}

/** Of what this server serves itself. */
export const localAvailability = {
  status: 'True',
  reason: 'Local',
  message: 'Local APIServices are always available',
} as const;

export const apiServiceKind: KindDefinition<APIService> = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  takesAnyFinalizer: true,
  allowsUnconditionalUpdate: false,
  nameRule: pathSegmentNameRule,
  defaults({ spec }) {
    if (spec?.service) spec.service.port ??= 443;
  },
  prepareForCreate(object, { nowMs }) {
    object.status = {};
    if (object.spec.service) return;
    const condition = { type: 'Available', ...localAvailability, lastTransitionTime: rfc3339(nowMs) };
    object.status.conditions = [condition];
  },
  prepareForUpdate: keepStatus,
  validate(object, errors) {
    const { spec } = object;
    validateName(object, errors);
    if (!spec.group && spec.version !== 'v1') {
      errors.required(path('spec', 'group'), 'only v1 may have an empty group and it better be legacy kube');
    }
    if (spec.group) validateBy(dns1123SubdomainProblems, spec.group, path('spec', 'group'), errors);
    validateBy(dns1035LabelProblems, spec.version ?? '', path('spec', 'version'), errors);
    validatePriority('groupPriorityMinimum', spec.groupPriorityMinimum, 20000, errors);
    validatePriority('versionPriority', spec.versionPriority, 1000, errors);
    if (!spec.service) {
      const size = Buffer.from(spec.caBundle ?? '', 'base64').length;
      const local = (what: string) => `local APIServices may not have ${what}`;
      if (size) errors.invalid(path('spec', 'caBundle'), `${size} bytes`, local('a caBundle'));
      if (spec.insecureSkipTLSVerify) {
        errors.invalid(path('spec', 'insecureSkipTLSVerify'), true, local('insecureSkipTLSVerify'));
      }
      return;
    }
    required(spec.service.namespace, path('spec', 'service', 'namespace'), errors);
    required(spec.service.name, path('spec', 'service', 'name'), errors);
    const port = spec.service.port ?? 443;
    for (const problem of portNumberProblems(port)) {
      errors.invalid(path('spec', 'service', 'port'), port, `port is not valid: ${problem}`);
    }
    if (spec.insecureSkipTLSVerify && spec.caBundle) {
      errors.invalid(path('spec', 'insecureSkipTLSVerify'), true, 'may not be true if caBundle is present');
    }
  },
  subresources: { status: statusRules() },
  columns: [
    nameColumn,
    {
      name: 'Service',
      type: 'string',
      description: 'The reference to the service that hosts this API endpoint.',
      cell: ({ spec }) => (spec.service ? `${spec.service.namespace}/${spec.service.name}` : 'Local'),
    },
    { name: 'Available', type: 'string', description: 'Whether this service is available.', cell: availableCell },
    ageColumn,
  ],
};
