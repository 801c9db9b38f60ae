// What a call of a webhook comes to, after its failure policy and with its figures counted.
import type { MutatingWebhook, ValidatingWebhook } from '../../../../generated/admissionregistration-v1.ts';
import { internalError, timedOut } from '../../../api/meta/status-error.ts';
import type { Clock } from '../../../base/clock.ts';
import type { AdmissionRequest } from '../plugin.ts';
import type { WebhookMetrics, WebhookType } from './metrics.ts';
import { CallingError, DeniedError } from './problems.ts';

export interface ObservedParts {
  readonly clock: Clock;
  readonly metrics: WebhookMetrics;
}

/** Undefined when the call failed and the webhook's policy is to go on. @throws StatusError */
export async function observedCall<T>(
  { clock, metrics }: ObservedParts,
  type: WebhookType,
  { name, failurePolicy }: MutatingWebhook | ValidatingWebhook,
  request: AdmissionRequest,
  call: () => Promise<T>,
): Promise<T | undefined> {
  const startMs = clock.monotonicMs();
  const observe = (code: number, isRejected: boolean) => {
    const seconds = (clock.monotonicMs() - startMs) / 1000;
    metrics.observe({ name, type, operation: request.operation, isRejected, code, seconds });
  };
  const about = (code: number) => ({ name, type, operation: request.operation, code });
  try {
    const result = await call();
    observe(200, false);
    return result;
  } catch (error) {
    if (error instanceof DeniedError) {
      observe(error.status.code, true);
      metrics.rejected(about(error.status.code), 'no_error');
      throw error.status;
    }
    if (!(error instanceof CallingError)) {
      observe(0, true);
      metrics.rejected(about(0), 'apiserver_internal_error');
      throw error;
    }
    const mayGoOn = failurePolicy === 'Ignore';
    observe(error.code, !mayGoOn);
    if (!mayGoOn) {
      if (!error.isCanceled) metrics.rejected(about(error.code), 'calling_webhook_error');
      throw internalError(error.message, error);
    }
    if (!error.isCanceled) metrics.failedOpen(name, type);
    if (request.signal?.aborted) throw timedOut('request did not complete within requested timeout');
    return undefined;
  }
}
