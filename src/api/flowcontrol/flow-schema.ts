import type { FlowSchema } from '../../../generated/flowcontrol-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';
import { dns1123SubdomainProblems } from '../meta/names.ts';
import { countGeneration, keepStatus, startGeneration, statusRules } from '../meta/strategy.ts';
import { validateBy } from '../meta/value-validation.ts';
import { validateFlowConditions, validateFlowRule } from './flow-rule.ts';

const precedence = ({ spec }: FlowSchema) => spec?.matchingPrecedence ?? 0;

export const flowSchemaKind: KindDefinition<FlowSchema> = {
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  metadataLooks: ['object'],
  defaults({ spec }) {
    if (spec) spec.matchingPrecedence ||= 1000;
  },
  prepareForCreate(object) {
    startGeneration(object);
    object.status = {};
  },
  prepareForUpdate(next, current) {
    keepStatus(next, current);
    countGeneration(next, current);
  },
  validate({ spec }, errors) {
    const {
      matchingPrecedence = 0,
      priorityLevelConfiguration,
      distinguisherMethod,
      rules = [],
    } = spec ?? ({} as NonNullable<typeof spec>);
    const at = path('spec');
    if (matchingPrecedence <= 0)
      errors.invalid(at.child('matchingPrecedence'), matchingPrecedence, 'must be a positive value');
    if (matchingPrecedence > 10000) {
      errors.invalid(at.child('matchingPrecedence'), matchingPrecedence, 'must not be greater than 10000');
    }
    if (!priorityLevelConfiguration?.name) {
      errors.required(at.child('priorityLevelConfiguration', 'name'), 'must reference a priority level');
    } else {
      const place = at.child('priorityLevelConfiguration', 'name');
      validateBy(dns1123SubdomainProblems, priorityLevelConfiguration.name, place, errors);
    }
    if (distinguisherMethod && !['ByNamespace', 'ByUser'].includes(distinguisherMethod.type)) {
      const place = at.child('distinguisherMethod', 'type');
      errors.notSupported(place, { Type: distinguisherMethod.type }, ['ByNamespace', 'ByUser']);
    }
    rules.forEach((rule, index) => {
      validateFlowRule(rule, at.child('rules').index(index), errors);
    });
  },
  subresources: { status: statusRules<FlowSchema>({ keepsMetadata: true, validateUpdate: validateFlowConditions }) },
  rowOrder: (left, right) =>
    precedence(left) - precedence(right) || (left.metadata.name < right.metadata.name ? -1 : 1),
  columns: [
    nameColumn,
    {
      name: 'PriorityLevel',
      type: 'string',
      description: '`name` is the name of the priority level configuration being referenced Required.',
      cell: ({ spec }) => spec?.priorityLevelConfiguration?.name ?? '',
    },
    {
      name: 'MatchingPrecedence',
      type: 'string',
      description:
        '`matchingPrecedence` is used to choose among the FlowSchemas that match a given request. The chosen FlowSchema is among those with the numerically lowest (which we take to be logically highest) MatchingPrecedence.  Each MatchingPrecedence value must be ranged in [1,10000]. Note that if the precedence is not specified, it will be set to 1000 as default.',
      cell: ({ spec }) => spec?.matchingPrecedence ?? 0,
    },
    {
      name: 'DistinguisherMethod',
      type: 'string',
      description:
        '`distinguisherMethod` defines how to compute the flow distinguisher for requests that match this schema. `nil` specifies that the distinguisher is disabled and thus will always be the empty string.',
      cell: ({ spec }) => spec?.distinguisherMethod?.type ?? '<none>',
    },
    ageColumn,
    {
      name: 'MissingPL',
      type: 'string',
      description: 'references a broken or non-existent PriorityLevelConfiguration',
      cell: ({ status }) => status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
    },
  ],
};
