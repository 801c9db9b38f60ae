// What the server does with objects of a custom kind: the same hooks that a built-in kind has, made from its definition.
import type { CustomResourceDefinitionVersion } from '../../../generated/apiextensions-v1.ts';
import type { KindDefinition, SubresourceRules } from '../../api/kind.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { type FieldErrorReason, FieldErrors, FieldPath, goQuote } from '../../api/meta/field-errors.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { standardFinalizers } from '../../api/meta/object-meta-validation.ts';
import { addSchemaErrors } from '../../api/meta/schema-errors.ts';
import { keepSpec, keepStatus } from '../../api/meta/strategy.ts';
import { inSlices, ownTurn, Slices } from '../../base/turns.ts';
import type { SchemaNode } from '../../schema/structural/node.ts';
import { evaluateRules, type RuleFindings, ruleSteps } from '../../schema/structural/rules.ts';
import { validateValue } from '../../schema/structural/validate.ts';
import { validateEmbedded, validateLists } from '../../schema/structural/validate-lists.ts';
import { columnsOf } from './columns.ts';
import { PendingWork } from './conversion/pending.ts';
import { scaleRules } from './scale.ts';

export interface KindOfDefinition {
  readonly group: string;
  /** The storage version. */
  readonly version: string;
  readonly kind: string;
}

function validateObject(
  object: KubernetesObject,
  node: SchemaNode,
  errors: FieldErrors,
  current?: KubernetesObject,
): void {
  addSchemaErrors(validateValue(object, node, current), errors);
  addSchemaErrors(validateEmbedded(object, node), errors);
  const lists = validateLists(object, node);
  // Duplicates that were stored before the definition forbade them do not hold up other changes.
  if (lists.length > 0 && (!current || validateLists(current, node).length === 0)) addSchemaErrors(lists, errors);
  validateRules(object, node, errors, current);
}

/** Errors after which rules might be asked about values that are not what they say. */
const blocking = new Set<FieldErrorReason>([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

function validateRules(
  object: KubernetesObject,
  node: SchemaNode,
  errors: FieldErrors,
  current: KubernetesObject | undefined,
): void {
  if (!node.hasRules) return;
  if (errors.list.some(({ reason }) => blocking.has(reason))) {
    errors.invalid(
      new FieldPath(),
      null,
      'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    );
    return;
  }
  addSchemaErrors(findingsOf(object, node, current).errors, errors);
}

/** What rules may cost at once, some ten milliseconds; what costs more is evaluated in turns of the event loop. */
const costAtOnce = 100_000;

interface Known {
  readonly node: SchemaNode;
  readonly current: KubernetesObject | undefined;
  readonly findings: RuleFindings;
}

/** Of objects whose rules were costly. */
const known = new WeakMap<KubernetesObject, Known>();

/** @throws PendingWork when it takes long; once that has settled, it is known */
function findingsOf(object: KubernetesObject, node: SchemaNode, current: KubernetesObject | undefined): RuleFindings {
  const made = knownFindings(object, node, current);
  if (made) return made;
  let cost = 0;
  const steps = ruleSteps(object, node, current, (spent) => {
    cost = spent;
  });
  while (cost <= costAtOnce) {
    const { done, value } = steps.next();
    if (done) return value;
  }
  throw new PendingWork('the evaluation of rules', finishLater());

  async function finishLater(): Promise<void> {
    await ownTurn();
    const findings = await inSlices(steps, new Slices(() => performance.now()));
    known.set(object, { node, current, findings });
  }
}

function knownFindings(
  object: KubernetesObject,
  node: SchemaNode,
  current: KubernetesObject | undefined,
): RuleFindings | undefined {
  const made = known.get(object);
  return made?.node === node && made.current === current ? made.findings : undefined;
}

/** Rules that are broken as they were before: a change of something else passes, with a warning. */
function toleratedProblems(next: KubernetesObject, node: SchemaNode, current: KubernetesObject | undefined): string[] {
  if (!current) return [];
  const found = new FieldErrors();
  const { tolerated } = knownFindings(next, node, current) ?? evaluateRules(next, node, current);
  addSchemaErrors(tolerated, found);
  return found.list.map(({ field, body }) => `${field}: ${body}`);
}

/** Finalizers that are new, and by their names might be anybody's. */
function finalizerWarnings(next: KubernetesObject, current: KubernetesObject | undefined): string[] {
  const known = current?.metadata.finalizers ?? [];
  const added = (next.metadata.finalizers ?? []).filter(
    (each) => !known.includes(each) && !each.includes('/') && !standardFinalizers.has(each),
  );
  return [...new Set(added)].sort().map((each) => {
    const better = `a domain-qualified finalizer name${each.includes('.') ? ' including a path (/)' : ''}`;
    return `metadata.finalizers: ${goQuote(each)}: prefer ${better} to avoid accidental conflicts with other finalizer writers`;
  });
}

/** Counts a change of anything but metadata, and of the status where that has a subresource of its own. */
function countGeneration(next: KubernetesObject, current: KubernetesObject, hasStatus: boolean): void {
  const aside = new Set(['apiVersion', 'kind', 'metadata', ...(hasStatus ? ['status'] : [])]);
  const keys = new Set([...Object.keys(next), ...Object.keys(current)].filter((key) => !aside.has(key)));
  const isSame = [...keys].every((key) => isEqual((next as any)[key], (current as any)[key]));
  next.metadata.generation = (current.metadata.generation ?? 1) + (isSame ? 0 : 1);
}

function statusRules(node: SchemaNode): SubresourceRules<KubernetesObject> {
  return {
    prepareForUpdate(next, current) {
      keepSpec(next, current);
      const { managedFields } = next.metadata;
      next.metadata = { ...current.metadata, resourceVersion: next.metadata.resourceVersion! };
      if (managedFields) next.metadata.managedFields = managedFields;
    },
    validateUpdate: (next, current, errors) => validateObject(next, node, errors, current),
  };
}

export function rulesOf(
  kind: KindOfDefinition,
  version: CustomResourceDefinitionVersion,
  node: SchemaNode,
): KindDefinition<KubernetesObject> {
  const hasStatus = Boolean(version.subresources?.status);
  const scale = version.subresources?.scale;
  return {
    ...kind,
    allowsUnconditionalUpdate: false,
    prepareForCreate(object) {
      if (hasStatus) delete (object as { status?: unknown }).status;
      object.metadata.generation = 1;
    },
    prepareForUpdate(next, current) {
      if (hasStatus) keepStatus(next, current);
      countGeneration(next, current, hasStatus);
    },
    validateCreate: (object, errors) => validateObject(object, node, errors),
    validateUpdate: (next, current, errors) => validateObject(next, node, errors, current),
    takesAnyFinalizer: true,
    warnings: (next, current) => [
      ...finalizerWarnings(next, current),
      ...(node.hasRules ? toleratedProblems(next, node, current) : []),
    ],
    ...(hasStatus ? { subresources: { status: statusRules(node) } } : {}),
    ...(scale ? { scale: scaleRules(scale) } : {}),
    columns: columnsOf(version.additionalPrinterColumns),
  };
}
