// What an access review asks about, as attributes for the authorizers. Requirements that cannot be read are left out, which
// makes the question a wider one; the answer says so.
import type {
  FieldSelectorAttributes,
  LabelSelectorAttributes,
  SubjectAccessReview,
} from '../../../generated/authorization-v1.ts';
import type { Requirement, RequirementOperator } from '../../api/meta/labels.ts';
import { type FieldRequirement, makeRequirement } from '../../api/meta/selectors.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import { attempt, readFieldSelector, readLabelSelector } from '../authz/asked-selectors.ts';
import type { AuthorizationAttributes } from '../authz/authorizer.ts';

export interface Question {
  readonly attributes: AuthorizationAttributes;
  /** What of the selectors could not be read. */
  readonly evaluationError: string;
}

export function questionOf(spec: SubjectAccessReview['spec'], user: UserInfo): Question {
  const { resourceAttributes, nonResourceAttributes } = spec;
  const none = { user, group: '', version: '', resource: '', subresource: '', namespace: '', name: '', path: '' };
  if (!resourceAttributes) {
    const { path = '', verb = '' } = nonResourceAttributes ?? {};
    return { attributes: { ...none, isResource: false, verb, path }, evaluationError: '' };
  }
  const { verb = '', group = '', version, resource = '', subresource = '', ...rest } = resourceAttributes;
  const { namespace = '', name = '' } = rest;
  const field = rest.fieldSelector && fieldRequirements(rest.fieldSelector);
  const label = rest.labelSelector && labelRequirements(rest.labelSelector);
  return {
    attributes: {
      ...{ ...none, isResource: true, verb, group, version: version || '*', resource, subresource, namespace, name },
      ...(field?.kept.length ? { fieldSelector: field.kept } : {}),
      ...(label?.kept.length ? { labelSelector: label.kept } : {}),
    },
    evaluationError: [problemOf('fieldSelector', field), problemOf('labelSelector', label)].filter(Boolean).join('; '),
  };
}

interface Read<T> {
  readonly kept: readonly T[];
  readonly isWhole: boolean;
}

function problemOf(name: string, read: Read<unknown> | undefined): string {
  if (!read || read.isWhole) return '';
  return `spec.resourceAttributes.${name} ${read.kept.length > 0 ? 'partially ' : ''}ignored due to parse error`;
}

function readAll<T, R>(requirements: readonly T[], read: (requirement: T) => R | undefined): Read<R> {
  const kept = requirements.map(read).filter((each) => each !== undefined);
  return { kept, isWhole: kept.length === requirements.length };
}

function fieldRequirements({ rawSelector, requirements }: FieldSelectorAttributes): Read<FieldRequirement> {
  if (!requirements?.length) {
    const kept = readFieldSelector(rawSelector);
    return { kept: kept ?? [], isWhole: kept !== undefined };
  }
  return readAll(requirements, ({ key, operator, values }) => {
    if (values?.length !== 1 || (operator !== 'In' && operator !== 'NotIn')) return undefined;
    return { field: key, isEqual: operator === 'In', value: values[0]! };
  });
}

const operators: Readonly<Record<string, RequirementOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

function labelRequirements({ rawSelector, requirements }: LabelSelectorAttributes): Read<Requirement> {
  if (!requirements?.length) {
    const kept = readLabelSelector(rawSelector);
    return { kept: kept ?? [], isWhole: kept !== undefined };
  }
  return readAll(requirements, ({ key, operator, values = [] }) => {
    const known = Object.hasOwn(operators, operator) ? operators[operator] : undefined;
    return known && attempt(() => makeRequirement(key, known, values));
  });
}
