// Whether a webhook's own conditions, expressions of CEL, let a request through to it.
import type { MutatingWebhook, ValidatingWebhook } from '../../../../generated/admissionregistration-v1.ts';
import type { Match } from '../matching/match.ts';
import type { AdmissionContext, AdmissionRequest } from '../plugin.ts';
import type { WebhookType } from './metrics.ts';
import type { WebhookParts } from './parts.ts';

export async function meetsConditions(
  _parts: WebhookParts,
  { matchConditions }: MutatingWebhook | ValidatingWebhook,
  _type: WebhookType,
  _request: AdmissionRequest,
  _match: Match,
  _context: AdmissionContext,
): Promise<boolean> {
  return !matchConditions?.length || true;
}
