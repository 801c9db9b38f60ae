// The Common Expression Language as Kubernetes has it: compile once, evaluate often, within a budget.
import { check } from './checker.ts';
import type { CelIssue } from './errors.ts';
import { Issues } from './parse-errors.ts';
import { parse } from './parser.ts';
import { Program } from './program.ts';
import type { CelProgram } from './program-types.ts';
import type { CelType } from './types.ts';
import { validate } from './validators.ts';

export type { CelBindings, CelProgram, CelResult, CostEstimate, EvaluateOptions } from './program-types.ts';

export interface CelEnvironment {
  /** Names and types of what an expression may refer to; a name may have dots: `authorizer.requestResource`. */
  readonly variables: Readonly<Record<string, CelType>>;
  /** Whether `Object{…}`, `JSONPatch{…}` and `jsonpatch.escapeKey` are there, as mutations have them. */
  readonly hasPatchTypes?: boolean;
  /** Whether there is `cel.bind(name, value, expression)`. */
  readonly hasBind?: boolean;
}

export type CelCompilation =
  | { readonly program: CelProgram; readonly issues?: never; readonly text?: never; readonly problem?: never }
  | {
      readonly program?: never;
      readonly issues: readonly CelIssue[];
      /** All issues as upstream prints them, with the lines they point at. */
      readonly text: string;
      /** The same in a sentence: `compilation failed: …`. */
      readonly problem: string;
    };

/** Never throws, whatever the text is. */
export function compile(source: string, environment: CelEnvironment): CelCompilation {
  const issues = new Issues(source);
  const expr = parse(source, issues, { hasBind: environment.hasBind === true });
  if (expr && issues.isEmpty) {
    const { variables, hasPatchTypes = false } = environment;
    const { references } = check(expr, { variables, hasPatchTypes }, issues);
    if (issues.isEmpty) validate(expr, issues);
    if (issues.isEmpty) {
      const program = new Program(source, expr, references);
      const { problem } = program;
      if (problem === undefined) return { program };
      return { issues: [], text: problem, problem: `program instantiation failed: ${problem}` };
    }
  }
  const text = issues.text();
  return { issues: issues.sorted(), text, problem: `compilation failed: ${text}` };
}
