// The expressions of validation rules: whether they compile, and whether what they may cost at most can be paid.
import type { JSONSchemaProps, ValidationRule } from '../../../generated/apiextensions-v1.ts';
import { maxRequestBytes, schemaType } from '../../schema/cel/schema-type.ts';
import type { CelType } from '../../schema/cel/types.ts';
import { type SchemaNode, toNode } from '../../schema/structural/node.ts';
import { type CompiledRule, compileRule } from '../../schema/structural/rule-programs.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';

const ruleLimit = 10_000_000;
const definitionLimit = 100_000_000;

interface Place {
  readonly at: FieldPath;
  readonly isRoot: boolean;
  /** How often the value can be there in one object; undefined: nobody knows. */
  readonly count: number | undefined;
  /** Where a list is whose items are not known again after a change. */
  readonly uncorrelated: FieldPath | undefined;
}

/** The value as Go prints a rule in an error. */
const shown = ({ rule, message, messageExpression, reason, fieldPath, optionalOldSelf }: ValidationRule) => ({
  Rule: rule,
  Message: message ?? '',
  MessageExpression: messageExpression ?? '',
  Reason: reason ?? null,
  FieldPath: fieldPath ?? '',
  OptionalOldSelf: optionalOldSelf ?? null,
});

function costMessage(name: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const text = factor > 100 ? 'more than 100x' : `${factor < 1.5 ? factor.toFixed(6) : factor.toFixed(1)}x`;
  return `${name} exceeds budget by factor of ${text} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

/** How many of what is below there can be. */
function factorOf({ type, additional, maxProperties, maxItems }: SchemaNode): number | undefined {
  if (type === 'object' && additional) return maxProperties === undefined ? undefined : Math.max(0, maxProperties);
  if (type === 'array') return maxItems === undefined ? undefined : Math.max(0, maxItems);
  return 1;
}

class RuleChecker {
  readonly #errors: FieldErrors;
  readonly #isBroken: (at: FieldPath) => boolean;
  readonly #expensive: { readonly at: FieldPath; readonly cost: number }[] = [];
  #total = 0;

  constructor(errors: FieldErrors, isBroken: (at: FieldPath) => boolean) {
    this.#errors = errors;
    this.#isBroken = isBroken;
  }

  visit(node: SchemaNode, place: Place): void {
    if (!node.hasRules) return;
    const factor = factorOf(node);
    const count = place.count === undefined || factor === undefined ? undefined : place.count * factor;
    const below = { isRoot: false, count, uncorrelated: place.uncorrelated };
    if (typeof node.additional === 'object') {
      this.visit(node.additional, { ...below, at: place.at.child('additionalProperties') });
    }
    for (const [name, child] of node.properties) {
      this.visit(child, { ...below, at: place.at.child('properties').key(name) });
    }
    if (node.items) {
      const uncorrelated = node.listType === 'map' ? place.uncorrelated : (place.uncorrelated ?? place.at);
      this.visit(node.items, { ...below, at: place.at.child('items'), uncorrelated });
    }
    // Types of schemas with errors are not what they say, and messages about them help nobody.
    if (node.rules.length > 0 && !this.#isBroken(place.at)) this.#rules(node, place);
  }

  #rules(node: SchemaNode, place: Place): void {
    const at = place.at.child('x-kubernetes-validations');
    const type = schemaType(node, place.isRoot || node.isEmbedded, 'selfType1');
    if (!type) {
      this.#errors.internal(
        at,
        'internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations',
      );
      return;
    }
    for (const [index, rule] of node.rules.entries())
      this.#rule(compileRule(rule, type, node), type, at.index(index), place);
  }

  #rule(compiled: CompiledRule, type: CelType, at: FieldPath, { count, uncorrelated }: Place): void {
    const { rule, program, error, message, messageError, usesOldSelf } = compiled;
    const often = count ?? Math.floor(maxRequestBytes / ((type.minSize ?? 0) + 1));
    const max = program?.estimateCost(type).max ?? 0;
    const cost = max === 0 || often === 0 ? 0 : max * often;
    this.#observe(at.child('rule'), 'estimated rule cost', cost);
    if (error !== undefined) this.#errors.invalid(at.child('rule'), shown(rule), error);
    if (messageError !== undefined) this.#errors.invalid(at.child('messageExpression'), shown(rule), messageError);
    else if (message) {
      this.#observe(at.child('messageExpression'), 'estimated messageExpression cost', message.estimateCost(type).max);
    }
    if (usesOldSelf && uncorrelated) {
      const problem = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`;
      this.#errors.invalid(at.child('rule'), rule.rule, problem);
    } else if (!usesOldSelf && rule.optionalOldSelf !== undefined && rule.optionalOldSelf !== null) {
      const problem = 'may not be set if oldSelf is not used in rule';
      this.#errors.invalid(at.child('optionalOldSelf'), rule.optionalOldSelf, problem);
    }
  }

  #observe(at: FieldPath, name: string, cost: number): void {
    if (cost > ruleLimit) this.#errors.forbidden(at, costMessage(name, cost, ruleLimit));
    this.#total += cost;
    if (cost < definitionLimit / 100) return;
    this.#expensive.push({ at, cost });
    this.#expensive.sort((one, other) => (one.cost === other.cost ? 0 : other.cost - one.cost));
    if (this.#expensive.length > 4) this.#expensive.pop();
  }

  finish(at: FieldPath): void {
    if (this.#total <= definitionLimit) return;
    const contributed = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema';
    for (const { at: place } of this.#expensive) this.#errors.forbidden(place, contributed);
    const name = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
    this.#errors.forbidden(at, costMessage(name, this.#total, definitionLimit));
  }
}

/** `found`: errors of the schema itself; rules of what is wrong already are not looked at. */
export function validateExpressions(
  schema: JSONSchemaProps,
  at: FieldPath,
  found: FieldErrors,
  errors: FieldErrors,
): void {
  const node = toNode(schema);
  if (!node.hasRules) return;
  const broken = found.list.map(({ field }) => field);
  const checker = new RuleChecker(errors, (place) => broken.some((field) => field.startsWith(String(place))));
  checker.visit(node, { at, isRoot: true, count: 1, uncorrelated: undefined });
  checker.finish(at);
}
