// The rules of one ValidatingAdmissionPolicy, compiled, and what they say of a request.
import type { ValidatingAdmissionPolicy } from '../../../../generated/admissionregistration-v1.ts';
import { type Expression, ExpressionCompiler, uses } from '../../../api/admissionregistration/expressions.ts';
import type { CelValue } from '../../../schema/cel/values.ts';
import {
  BudgetError,
  type EvaluationInputs,
  evaluateGroup,
  type Inputs,
  type Outcome,
  policyBudget,
} from './evaluation.ts';
import { checkConditions, compileConditions } from './match-conditions.ts';

type Spec = NonNullable<ValidatingAdmissionPolicy['spec']>;
type Validation = NonNullable<Spec['validations']>[number];

/** One validation that refused. */
export interface Denial {
  /** Place in `spec.validations`; 0 for what is about the policy as a whole. */
  readonly index: number;
  readonly message: string;
  readonly reason?: string;
}

export type AnnotationResult =
  | { readonly key: string; readonly value: string; readonly problem?: never }
  | { readonly key: string; readonly value?: never; readonly problem: string };

export interface Verdict {
  readonly denials: readonly Denial[];
  readonly annotations: readonly AnnotationResult[];
}

const nothing: Verdict = { denials: [], annotations: [] };
const maxMessageBytes = 5 * 1024;

export class ValidatingRules {
  readonly #spec: Spec;
  #compiled: Compiled | undefined;

  constructor(policy: ValidatingAdmissionPolicy) {
    this.#spec = policy.spec ?? {};
  }

  get #rules(): Compiled {
    this.#compiled ??= compileRules(this.#spec);
    return this.#compiled;
  }

  /** `matching`: what match conditions see, which differs in the namespace (none) and the resource (the request's). */
  async check(inputs: { readonly matching: EvaluationInputs; readonly rules: EvaluationInputs }): Promise<Verdict> {
    const { conditions, variables } = this.#rules;
    const matched = await checkConditions(conditions, { ...inputs.matching, variables });
    if (matched.problem !== undefined) return this.#failed(matched.problem);
    if (!matched.matches) return nothing;
    try {
      return await this.#evaluate({ ...inputs.rules, variables });
    } catch (error) {
      if (error instanceof BudgetError) return this.#failed(error.message);
      throw error;
    }
  }

  get #failsClosed(): boolean {
    return this.#spec.failurePolicy !== 'Ignore';
  }

  /** The policy itself does not work. */
  #failed(message: string): Verdict {
    return this.#failsClosed ? { denials: [{ index: 0, message }], annotations: [] } : nothing;
  }

  async #evaluate(inputs: Inputs): Promise<Verdict> {
    const { validations, annotations } = this.#rules;
    const { outcomes, remaining } = await evaluateGroup(validations, inputs, policyBudget);
    const messages = await this.#messages(outcomes, inputs, remaining);
    const denials = outcomes.flatMap((outcome, index) => this.#denial(outcome!, index, messages) ?? []);
    const values = (await evaluateGroup(annotations, inputs, policyBudget)).outcomes;
    return { denials, annotations: values.flatMap((outcome, index) => this.#annotation(outcome!, index) ?? []) };
  }

  /** Only evaluated for what is refused; a text when the budget did not suffice. */
  async #messages(
    outcomes: readonly (Outcome | undefined)[],
    inputs: Inputs,
    budget: number,
  ): Promise<readonly (Outcome | undefined)[] | string> {
    const { messages } = this.#rules;
    const asked = messages.map((expression, index) => {
      const outcome = outcomes[index]!;
      return outcome.problem === undefined && outcome.value !== true ? expression : undefined;
    });
    if (!asked.some(Boolean)) return [];
    try {
      return (await evaluateGroup(asked, inputs, budget)).outcomes;
    } catch (error) {
      if (error instanceof BudgetError) return error.message;
      throw error;
    }
  }

  #denial(
    { value, problem }: Outcome,
    index: number,
    messages: readonly (Outcome | undefined)[] | string,
  ): Denial | undefined {
    if (problem !== undefined) return this.#failsClosed ? { index, message: problem } : undefined;
    if (typeof messages === 'string') {
      return this.#failsClosed ? { index, message: `failed messageExpression: ${messages}` } : undefined;
    }
    if (value === true) return undefined;
    const validation = this.#spec.validations![index]!;
    return { index, message: messageOf(validation, messages[index]?.value), reason: validation.reason ?? 'Invalid' };
  }

  #annotation({ value, problem }: Outcome, index: number): AnnotationResult | undefined {
    const { key = '' } = this.#spec.auditAnnotations![index]!;
    if (problem !== undefined) return this.#failsClosed ? { key, problem } : undefined;
    const text = typeof value === 'string' ? value.trim() : '';
    return text === '' ? undefined : { key, value: text };
  }
}

/** What the message expression gave, if it can be shown; else the message, else the expression. */
function messageOf({ message, expression }: Validation, given: CelValue | undefined): string {
  const text = typeof given === 'string' ? given.trim() : '';
  if (text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= maxMessageBytes) return text;
  return message?.trim() || `failed expression: ${expression?.trim()}`;
}

interface Compiled {
  readonly conditions: readonly Expression[];
  readonly validations: readonly Expression[];
  readonly messages: readonly (Expression | undefined)[];
  readonly annotations: readonly Expression[];
  readonly variables: ReadonlyMap<string, Expression>;
}

function compileRules(spec: Spec): Compiled {
  const compiler = new ExpressionCompiler({ params: spec.paramKind !== undefined, variables: true });
  for (const { name, expression } of spec.variables ?? []) compiler.addVariable(name, expression);
  const validations = spec.validations ?? [];
  return {
    conditions: compileConditions(spec.matchConditions, compiler),
    validations: validations.map(({ expression }) => compiler.compile(expression!, uses.condition)),
    messages: validations.map(({ messageExpression }) =>
      messageExpression ? compiler.compile(messageExpression, uses.message) : undefined,
    ),
    annotations: (spec.auditAnnotations ?? []).map(({ valueExpression }) =>
      compiler.compile(valueExpression!, uses.auditAnnotation),
    ),
    variables: compiler.variables,
  };
}
