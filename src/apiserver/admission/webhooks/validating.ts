// Validating webhooks, all at once; the first in order that refuses is what the client hears of.
import type { ValidatingWebhook } from '../../../../generated/admissionregistration-v1.ts';
import { validatingWebhookConfigurationKind } from '../../../../generated/kinds.ts';
import { timedOut } from '../../../api/meta/status-error.ts';
import { isExempt, type Match, matchWebhook, versionedObjects } from '../matching/match.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { callHook } from './call-hook.ts';
import { meetsConditions } from './conditions.ts';
import { type Hook, HookList } from './hooks.ts';
import { observedCall } from './observed-call.ts';
import type { WebhookParts } from './parts.ts';
import { type ReviewVersion, reviewOf } from './review.ts';

export function validatingWebhooks(parts: WebhookParts): AdmissionPlugin {
  const list = new HookList<ValidatingWebhook>(validatingWebhookConfigurationKind);
  return {
    name: 'ValidatingAdmissionWebhook',
    validate(request, context) {
      const hooks = list.of(context.objects);
      if (hooks.length === 0 || isExempt(request)) return undefined;
      return runAll(parts, hooks, request, context);
    },
  };
}

interface Invocation {
  readonly webhook: ValidatingWebhook;
  readonly match: Match;
}

async function runAll(
  parts: WebhookParts,
  hooks: readonly Hook<ValidatingWebhook>[],
  request: AdmissionRequest,
  context: AdmissionContext,
): Promise<void> {
  const invocations: Invocation[] = [];
  for (const { webhook } of hooks) {
    const match = matchWebhook(webhook, request, context);
    if (match && (await meetsConditions(parts, webhook, 'validating', request, match)))
      invocations.push({ webhook, match });
  }
  if (invocations.length === 0) return;
  if (request.signal?.aborted) throw timedOut('request did not complete within requested timeout');
  const reviews = new SharedReviews(request);
  const outcomes = await Promise.allSettled(
    invocations.map(async ({ webhook, match }, index) => {
      const bodyFor = (version: ReviewVersion) => reviews.bodyFor(version, match);
      const ask = () => callHook(parts, webhook, bodyFor, request, context, false);
      const verdict = await observedCall(parts, 'validating', webhook, request, ask);
      if (verdict) return;
      request.annotate(`failed-open.validating.webhook.admission.k8s.io/round_0_index_${index}`, webhook.name);
    }),
  );
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/** Webhooks that see the request in the same version share its text. */
class SharedReviews {
  readonly #request: AdmissionRequest;
  readonly #made = new Map<string, Promise<(uid: string) => Buffer>>();

  constructor(request: AdmissionRequest) {
    this.#request = request;
  }

  bodyFor(version: ReviewVersion, match: Match): Promise<(uid: string) => Buffer> {
    const key = `${version} ${match.resource.group}/${match.resource.version}`;
    let made = this.#made.get(key);
    if (!made) {
      made = versionedObjects(this.#request, match).then((objects) => reviewOf(version, this.#request, match, objects));
      this.#made.set(key, made);
    }
    return made;
  }
}
