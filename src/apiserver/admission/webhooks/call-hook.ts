// One call of one webhook: asks, checks the answer, passes on warnings and annotations.
import type { MutatingWebhook, ValidatingWebhook } from '../../../../generated/admissionregistration-v1.ts';
import { type Random, uuid } from '../../../base/random.ts';
import { DecodeError } from '../../../schema/codec.ts';
import type { OutboundClient } from '../../outbound/client.ts';
import { postToWebhook, WebhookCallError } from '../../outbound/webhook.ts';
import type { AdmissionContext, AdmissionRequest } from '../plugin.ts';
import { CallingError, DeniedError, dryRunUnsupported } from './problems.ts';
import {
  InvalidResponseError,
  type ReviewVersion,
  readReview,
  reviewVersionOf,
  type Verdict,
  WrongKindError,
} from './review.ts';

export interface CallParts {
  readonly client: OutboundClient;
  readonly random: Random;
}

const defaultTimeoutSeconds = 10;
const maxResponseBytes = 16 << 20;

/**
 * The answer of a webhook that allows the request.
 * @throws CallingError, DeniedError, StatusError for a dry run that the webhook cannot take part in
 */
export async function callHook(
  parts: CallParts,
  webhook: MutatingWebhook | ValidatingWebhook,
  bodyFor: (version: ReviewVersion) => Promise<(uid: string) => Buffer>,
  request: AdmissionRequest,
  context: AdmissionContext,
  isMutating: boolean,
): Promise<Verdict> {
  const { name } = webhook;
  if (request.isDryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun')
    throw dryRunUnsupported(name);
  const version = reviewVersionOf(webhook.admissionReviewVersions);
  if (!version) {
    const reason = 'webhook does not accept known AdmissionReview versions (v1, v1beta1)';
    throw new CallingError(name, `could not create admission objects: ${reason}`, 400);
  }
  const uid = uuid(parts.random);
  const body = (await bodyFor(version))(uid);
  const answer = await post(parts, webhook, body, request, context);
  const verdict = verified(name, answer, version, uid, isMutating);
  for (const [key, value] of Object.entries(verdict.auditAnnotations)) request.annotate(`${name}/${key}`, value);
  for (const text of verdict.warnings) if (text) request.warn(text);
  if (!verdict.isAllowed) throw new DeniedError(name, verdict.status);
  return verdict;
}

async function post(
  { client, random }: CallParts,
  { name, clientConfig, timeoutSeconds = defaultTimeoutSeconds }: MutatingWebhook | ValidatingWebhook,
  body: Buffer,
  { signal }: AdmissionRequest,
  { objects }: AdmissionContext,
): Promise<Buffer> {
  try {
    const asked = { body, timeoutSeconds, maxBytes: maxResponseBytes, signal };
    return await postToWebhook(client, clientConfig, asked, { objects, random });
  } catch (error) {
    if (!(error instanceof WebhookCallError)) throw error;
    const { code, message, isCanceled } = error;
    const what = code === 0 ? 'could not get REST client' : 'failed to call webhook';
    throw new CallingError(name, `${what}: ${message}`, code || 500, { cause: error, isCanceled });
  }
}

function verified(name: string, answer: Buffer, version: ReviewVersion, uid: string, isMutating: boolean): Verdict {
  try {
    return readReview(answer, version, uid, isMutating);
  } catch (error) {
    if (error instanceof DecodeError || error instanceof WrongKindError)
      throw new CallingError(name, `failed to call webhook: ${error.message}`, 503, { cause: error });
    if (!(error instanceof InvalidResponseError)) throw error;
    throw new CallingError(name, `received invalid webhook response: ${error.message}`, 503, { cause: error });
  }
}
