// The mutations of one MutatingAdmissionPolicy, compiled, and what they make of an object.
import type { MutatingAdmissionPolicy, Mutation } from '../../../../generated/admissionregistration-v1.ts';
import { type Expression, ExpressionCompiler, uses } from '../../../api/admissionregistration/expressions.ts';
import type { KubernetesObject } from '../../../api/meta/object.ts';
import { internalError } from '../../../api/meta/status-error.ts';
import { CelList, CelMap, type CelValue, toJson } from '../../../schema/cel/values.ts';
import { canonicalStrict, DecodeError, strictMessage } from '../../../schema/codec.ts';
import { applyJsonPatch } from '../../../schema/json-patch.ts';
import type { MapMergeType } from '../../../schema/merge-type.ts';
import type { JsonPatchOperation } from '../../../schema/patch-body.ts';
import { type JsonObject, PatchError } from '../../../schema/patch-error.ts';
import { applyConfiguration, MutationError } from './apply-configuration.ts';
import { BudgetError, type EvaluationInputs, evaluateGroup, type Inputs, policyBudget } from './evaluation.ts';
import { type ConditionsResult, checkConditions, compileConditions } from './match-conditions.ts';
import { misplacedObjects } from './object-types.ts';

type Spec = NonNullable<MutatingAdmissionPolicy['spec']>;

/** How objects of the kind that is mutated are read and merged. */
export interface MutatedKind {
  readonly typeName: string;
  readonly merge: MapMergeType;
}

interface CompiledMutation {
  readonly type: Mutation['patchType'];
  readonly expression: Expression;
}

interface Compiled {
  readonly conditions: readonly Expression[];
  readonly mutations: readonly CompiledMutation[];
  readonly variables: ReadonlyMap<string, Expression>;
}

export class MutatingRules {
  readonly #spec: Spec;
  #compiled: Compiled | undefined;

  constructor({ spec }: MutatingAdmissionPolicy) {
    this.#spec = spec!;
  }

  get #rules(): Compiled {
    this.#compiled ??= compileRules(this.#spec);
    return this.#compiled;
  }

  get size(): number {
    return this.#rules.mutations.length;
  }

  matches(inputs: EvaluationInputs): Promise<ConditionsResult> {
    const { conditions, variables } = this.#rules;
    return checkConditions(conditions, { ...inputs, variables });
  }

  /**
   * The object after one mutation, in canonical form, not defaulted; the very object when nothing is to be changed.
   * @throws MutationError for what the policy's author has to mend, StatusError for what cannot be an object
   */
  async mutate(
    index: number,
    object: KubernetesObject,
    kind: MutatedKind,
    inputs: EvaluationInputs,
  ): Promise<KubernetesObject> {
    const { mutations, variables } = this.#rules;
    const { type, expression } = mutations[index]!;
    if (expression.problem !== undefined) throw new MutationError(expression.problem);
    const given = await evaluateOne(expression, { ...inputs, variables });
    const checked = given instanceof CelList ? patchValues(given) : [given];
    for (const value of checked) {
      const misplaced = misplacedObjects(value);
      if (misplaced) throw new MutationError(`type mismatch: ${misplaced}`);
    }
    const json = toJson(given);
    if (type === 'ApplyConfiguration') return applied(object, json as JsonObject, kind);
    return patched(object, json as readonly JsonObject[], kind);
  }
}

async function evaluateOne(expression: Expression, inputs: Inputs): Promise<CelValue> {
  try {
    const { outcomes } = await evaluateGroup([expression], inputs, policyBudget);
    const { value, problem } = outcomes[0]!;
    if (problem !== undefined) throw new MutationError(problem);
    return value!;
  } catch (error) {
    if (error instanceof BudgetError) throw new MutationError(error.message);
    throw error;
  }
}

function applied(object: KubernetesObject, configuration: JsonObject, kind: MutatedKind): KubernetesObject {
  return readable(kind, applyConfiguration(kind.merge, object, configuration));
}

/** What the operations of a patch put into the object. */
function patchValues(operations: CelList): CelValue[] {
  const values: CelValue[] = [];
  for (let index = 0; index < operations.size; index++) {
    const operation = operations.at(index);
    const value = operation instanceof CelMap ? operation.find('value') : undefined;
    if (value !== undefined) values.push(value as CelValue);
  }
  return values;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function patched(object: KubernetesObject, given: readonly JsonObject[], kind: MutatedKind): KubernetesObject {
  const operations: JsonPatchOperation[] = given.map(({ op, path, from, value }) => ({
    op: text(op),
    path: text(path),
    from: text(from),
    value,
    hasValue: value !== undefined,
  }));
  try {
    return readable(kind, applyJsonPatch(object, operations));
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    // A test that fails says that the patch is not meant for this object.
    if (error.message.endsWith('failed: test failed')) return object;
    throw new MutationError(`JSON Patch: ${error.message}`);
  }
}

/** @throws StatusError for what is no object of the kind */
function readable({ typeName }: MutatedKind, value: unknown): KubernetesObject {
  try {
    const { object, strictErrors } = canonicalStrict<KubernetesObject>(typeName, value);
    if (strictErrors.length === 0) return object;
    throw internalError(strictMessage(strictErrors));
  } catch (error) {
    if (error instanceof DecodeError) throw internalError(error.message);
    throw error;
  }
}

const mutationUses = { ApplyConfiguration: uses.applyConfiguration, JSONPatch: uses.jsonPatch } as const;

function compileRules(spec: Spec): Compiled {
  const compiler = new ExpressionCompiler({ params: spec.paramKind !== undefined, variables: true });
  for (const { name, expression } of spec.variables ?? []) compiler.addVariable(name, expression);
  return {
    conditions: compileConditions(spec.matchConditions, compiler),
    mutations: (spec.mutations ?? []).map(({ patchType, applyConfiguration: apply, jsonPatch }) => ({
      type: patchType,
      expression: compiler.compile(
        (apply ?? jsonPatch)?.expression ?? '',
        mutationUses[patchType as keyof typeof mutationUses],
      ),
    })),
    variables: compiler.variables,
  };
}
