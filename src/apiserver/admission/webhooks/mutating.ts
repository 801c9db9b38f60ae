// Mutating webhooks, one after the other, each on what those before it made of the object.
import type { MutatingWebhook } from '../../../../generated/admissionregistration-v1.ts';
import { mutatingWebhookConfigurationKind } from '../../../../generated/kinds.ts';
import { internalError } from '../../../api/meta/status-error.ts';
import type { JsonPatchOperation } from '../../../schema/patch-body.ts';
import { isExempt, type Match, matchWebhook, versionedObjects } from '../matching/match.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { applyPatch, decodePatch } from './apply-patch.ts';
import { callHook } from './call-hook.ts';
import { meetsConditions } from './conditions.ts';
import { type Hook, HookList } from './hooks.ts';
import { observedCall } from './observed-call.ts';
import type { WebhookParts } from './parts.ts';
import { CallingError } from './problems.ts';
import { Reinvocations } from './reinvocations.ts';
import { reviewOf } from './review.ts';

const name = 'MutatingAdmissionWebhook';

export function mutatingWebhooks(parts: WebhookParts): AdmissionPlugin {
  const list = new HookList<MutatingWebhook>(mutatingWebhookConfigurationKind);
  return {
    name,
    admit(request, context) {
      const hooks = list.of(context.objects);
      if (hooks.length === 0 || isExempt(request)) return undefined;
      return runAll(parts, hooks, request, context);
    },
  };
}

async function runAll(
  parts: WebhookParts,
  hooks: readonly Hook<MutatingWebhook>[],
  request: AdmissionRequest,
  context: AdmissionContext,
): Promise<void> {
  const rounds = Reinvocations.of(request, name);
  try {
    for (const hook of hooks) {
      const match = matchWebhook(hook.webhook, request, context);
      if (!match || !rounds.isDue(hook.uid)) continue;
      if (!(await meetsConditions(parts, hook.webhook, 'admit', request, match))) continue;
      const isChanged = await callOne(parts, hook, request, match, context);
      if (isChanged) rounds.changed();
      if (hook.webhook.reinvocationPolicy === 'IfNeeded') rounds.mayRunAgain(hook.uid);
    }
  } finally {
    rounds.ended();
  }
}

/** Whether the webhook changed the object. */
async function callOne(
  parts: WebhookParts,
  hook: Hook<MutatingWebhook>,
  request: AdmissionRequest,
  match: Match,
  context: AdmissionContext,
): Promise<boolean> {
  const { webhook, configuration, index } = hook;
  const key = `webhook.admission.k8s.io/round_${request.rounds.isSecond ? 1 : 0}_index_${index}`;
  let isChanged = false;
  const outcome = await observedCall(parts, 'admit', webhook, request, async () => {
    try {
      const patch = await ask(parts, webhook, request, match, context);
      if (patch.length === 0) return 'asked';
      isChanged = await change(webhook.name, request, match, patch, context);
      const noted = { configuration, webhook: webhook.name, patch, patchType: 'JSONPatch' };
      request.annotate(`patch.${key}`, JSON.stringify(noted));
      return 'asked';
    } finally {
      const noted = { configuration, webhook: webhook.name, mutated: isChanged };
      request.annotate(`mutation.${key}`, JSON.stringify(noted));
    }
  });
  if (outcome === undefined) request.annotate(`failed-open.mutation.${key}`, webhook.name);
  return isChanged;
}

const nothing: readonly JsonPatchOperation[] = [];

async function ask(
  parts: WebhookParts,
  webhook: MutatingWebhook,
  request: AdmissionRequest,
  match: Match,
  context: AdmissionContext,
): Promise<readonly JsonPatchOperation[]> {
  const bodyFor = async (version: 'v1' | 'v1beta1') =>
    reviewOf(version, request, match, await versionedObjects(request, match));
  const { patch, patchType } = await callHook(parts, webhook, bodyFor, request, context, true);
  if (patch.length === 0) return nothing;
  const operations = decodePatch(webhook.name, patch);
  if (operations.length > 0 && patchType !== 'JSONPatch')
    throw new CallingError(webhook.name, `unsupported patch type ${JSON.stringify(patchType)}`, 400);
  return operations;
}

async function change(
  webhook: string,
  request: AdmissionRequest,
  match: Match,
  patch: readonly JsonPatchOperation[],
  context: AdmissionContext,
): Promise<boolean> {
  const { object } = await versionedObjects(request, match);
  if (!object) {
    const problem = `admission webhook ${JSON.stringify(webhook)} attempted to modify the object, which is not supported for this operation`;
    throw internalError(problem);
  }
  return applyPatch(request, match, object, patch, context);
}
