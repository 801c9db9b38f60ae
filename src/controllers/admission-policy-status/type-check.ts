// Compiles the expressions of a policy once more, against the types of what its rules name: what would fail on every
// object of a kind is told beforehand. It changes nothing of what the policy does.
import type { ValidatingAdmissionPolicy } from '../../../generated/admissionregistration-v1.ts';
import { ExpressionCompiler, uses } from '../../api/admissionregistration/expressions.ts';
import type { CelType } from '../../schema/cel/types.ts';
import type { GroupVersionKind, ServedKinds } from './served-kinds.ts';

export interface ExpressionWarning {
  readonly fieldRef: string;
  readonly warning: string;
}

type Spec = NonNullable<ValidatingAdmissionPolicy['spec']>;
type Rule = NonNullable<NonNullable<Spec['matchConstraints']>['resourceRules']>[number];

interface CheckedKind {
  readonly name: string;
  readonly compiler: ExpressionCompiler;
}

/** Kinds of one rule that are looked at. */
const maxKinds = 10;

const sortKey = ({ group, version, kind }: GroupVersionKind) => `${group}\0${version}\0${kind}`;

/** In the order of the expressions; empty when nothing is amiss, or nothing is known of the kinds. */
export async function typeCheck({ spec = {} }: ValidatingAdmissionPolicy, served: ServedKinds) {
  const kinds = await checkedKinds(spec, served);
  const warnings: ExpressionWarning[] = [];
  const check = (fieldRef: string, expression: string | undefined) => {
    if (!expression) return;
    const problems = kinds.flatMap(({ name, compiler }) => {
      const { problem } = compiler.compile(expression, uses.variable);
      return problem === undefined ? [] : [`${name}: ${problem.replace(/^compilation failed: /, '')}\n`];
    });
    if (problems.length > 0) warnings.push({ fieldRef, warning: problems.join('\n') });
  };
  (spec.validations ?? []).forEach(({ expression, messageExpression }, index) => {
    check(`spec.validations[${index}].expression`, expression);
    check(`spec.validations[${index}].messageExpression`, messageExpression);
  });
  return warnings;
}

async function checkedKinds(spec: Spec, served: ServedKinds): Promise<CheckedKind[]> {
  const params = await paramsType(spec, served);
  const checked: CheckedKind[] = [];
  for (const kind of await kindsOf(spec, served)) {
    const type = await served.typeOf(kind);
    if (!type) continue;
    const types = { object: type, oldObject: type, ...(params ? { params } : {}) };
    const compiler = new ExpressionCompiler({ params: spec.paramKind !== undefined, variables: true }, types);
    for (const { name, expression } of spec.variables ?? []) compiler.addVariable(name, expression);
    checked.push({ name: `${kind.group}/${kind.version}, Kind=${kind.kind}`, compiler });
  }
  return checked;
}

async function paramsType({ paramKind }: Spec, served: ServedKinds): Promise<CelType | undefined> {
  if (!paramKind) return undefined;
  const { apiVersion = '', kind = '' } = paramKind;
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  return served.typeOf({ group, version: apiVersion.slice(slash + 1), kind });
}

/** Rules that name all of something say nothing of types. */
async function kindsOf({ matchConstraints }: Spec, served: ServedKinds): Promise<GroupVersionKind[]> {
  const found = new Map<string, GroupVersionKind>();
  for (const rule of matchConstraints?.resourceRules ?? []) {
    for (const kind of await kindsOfRule(rule, served)) found.set(sortKey(kind), kind);
  }
  return [...found].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, kind]) => kind);
}

async function kindsOfRule(rule: Rule, served: ServedKinds): Promise<GroupVersionKind[]> {
  const { apiGroups = [], apiVersions = [], resources = [] } = rule;
  if ([...apiGroups, ...apiVersions].some((name) => name.includes('*'))) return [];
  const plain = resources.filter((name) => !/[*/]/.test(name)).sort();
  const found: GroupVersionKind[] = [];
  for (const group of [...apiGroups].sort()) {
    for (const version of [...apiVersions].sort()) {
      for (const plural of plain) found.push(...(await served.kindsFor(group, version, plural)));
    }
  }
  return found.slice(0, maxKinds);
}
