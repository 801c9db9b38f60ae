// Whether a webhook's own conditions, expressions of CEL, let a request through to it.
import type {
  MatchCondition,
  MutatingWebhook,
  ValidatingWebhook,
} from '../../../../generated/admissionregistration-v1.ts';
import { type Expression, ExpressionCompiler } from '../../../api/admissionregistration/expressions.ts';
import { forbidden } from '../../../api/meta/status-error.ts';
import { type Match, versionedObjects } from '../matching/match.ts';
import { nameOf } from '../matching/selectors.ts';
import type { AdmissionRequest } from '../plugin.ts';
import { authorizerBindings } from '../policies/authorizer.ts';
import { conditionBindings, inputsOf } from '../policies/inputs.ts';
import { checkConditions, compileConditions } from '../policies/match-conditions.ts';
import type { WebhookType } from './metrics.ts';
import type { WebhookParts } from './parts.ts';

const noVariables = new Map<string, Expression>();

/** Configurations are frozen: conditions are compiled once for as long as theirs lives. */
const compiled = new WeakMap<readonly MatchCondition[], readonly Expression[]>();

function expressionsOf(conditions: readonly MatchCondition[]): readonly Expression[] {
  let known = compiled.get(conditions);
  if (!known) {
    known = compileConditions(conditions, new ExpressionCompiler({ params: false, variables: false }));
    compiled.set(conditions, known);
  }
  return known;
}

/** @throws Forbidden when some fail, none says no, and the webhook may not be passed over */
export async function meetsConditions(
  { authorizer, metrics }: WebhookParts,
  { name, matchConditions, failurePolicy }: MutatingWebhook | ValidatingWebhook,
  type: WebhookType,
  request: AdmissionRequest,
  match: Match,
): Promise<boolean> {
  if (!matchConditions?.length) return true;
  const objects = await versionedObjects(request, match);
  const bindings = conditionBindings({ request, match, objects, params: null, namespace: undefined });
  const inputs = { ...inputsOf(bindings, authorizerBindings(authorizer, request)), variables: noVariables };
  const { matches, problem } = await checkConditions(expressionsOf(matchConditions), inputs);
  if (matches) return true;
  if (problem !== undefined && failurePolicy !== 'Ignore') {
    const { group, plural } = request.resource;
    throw forbidden({ group, name: plural }, nameOf(request), problem);
  }
  if (problem === undefined) metrics.excluded(name, type, request.operation);
  return false;
}
