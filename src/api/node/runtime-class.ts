import type { Toleration } from '../../../generated/core-v1.ts';
import type { RuntimeClass } from '../../../generated/node-v1.ts';
import { validateTolerations } from '../core/affinity-validation.ts';
import { nodeLabelWarnings } from '../core/node-labels.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { validateLabels } from '../meta/labels.ts';
import { dns1123LabelProblems } from '../meta/names.ts';
import { validateContainerResourceName, validateResourceAmount } from '../meta/resource-names.ts';
import { checkImmutable } from '../meta/strategy.ts';
import { required, validateBy } from '../meta/value-validation.ts';

function validateUniqueTolerations(tolerations: Toleration[], at: FieldPath, errors: FieldErrors): void {
  validateTolerations(tolerations, at, errors);
  const keyOf = ({ key, operator, value, effect }: Toleration) => [key, operator, value, effect].join(' ');
  tolerations.forEach((toleration, index) => {
    if (tolerations.findIndex((each) => keyOf(each) === keyOf(toleration)) === index) return;
    const { key = '', operator = '', value = '', effect = '', tolerationSeconds = null } = toleration;
    const shown = { Key: key, Operator: operator, Value: value, Effect: effect, TolerationSeconds: tolerationSeconds };
    errors.duplicate(at.index(index), shown);
  });
}

export const runtimeClassKind: KindDefinition<RuntimeClass> = {
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  metadataLooks: ['object', 'change'],
  takesAnyFinalizer: true,
  allowsCreateOnUpdate: true,
  allowsUnconditionalUpdate: false,
  validate({ handler, overhead, scheduling }, errors) {
    if (required(handler, path('handler'), errors)) validateBy(dns1123LabelProblems, handler, path('handler'), errors);
    for (const [name, amount] of Object.entries(overhead?.podFixed ?? {})) {
      const at = path('overhead', 'limits').key(name);
      validateContainerResourceName(name, at, errors);
      validateResourceAmount(name, amount, at, errors);
    }
    validateLabels(scheduling?.nodeSelector, path('scheduling', 'nodeSelector'), errors);
    validateUniqueTolerations(scheduling?.tolerations ?? [], path('scheduling', 'tolerations'), errors);
  },
  validateUpdate: (next, current, errors) => checkImmutable(errors, path('handler'), next.handler, current.handler),
  warnings: ({ scheduling }) => nodeLabelWarnings(scheduling?.nodeSelector, path('scheduling', 'nodeSelector')),
  columns: [
    nameColumn,
    { name: 'Handler', type: 'string', description: '', cell: ({ handler }) => handler },
    ageColumn,
  ],
};
