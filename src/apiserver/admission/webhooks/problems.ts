// The ways in which a webhook ends a request.
import type { Status } from '../../../../generated/meta-v1.ts';
import { badRequest, StatusError } from '../../../api/meta/status-error.ts';

/** The webhook could not be asked, or gave no usable answer: what its failure policy is about. */
export class CallingError extends Error {
  /** For the metrics. */
  readonly code: number;
  /** The client of the request is gone: nobody's failure. */
  readonly isCanceled: boolean;

  constructor(webhook: string, reason: string, code: number, options: ErrorOptions & { isCanceled?: boolean } = {}) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${reason}`, options);
    this.code = code;
    this.isCanceled = options.isCanceled ?? false;
  }
}

/** The webhook said no. */
export class DeniedError extends Error {
  readonly status: StatusError;

  constructor(webhook: string, result: Status | undefined) {
    super('denied');
    this.status = denial(webhook, result);
  }
}

function denial(webhook: string, result: Partial<Status> = {}): StatusError {
  const start = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const { message, reason, code = 0, status, metadata, details } = result;
  const why = message || reason;
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: metadata ?? {},
    status: status && status !== 'Success' ? status : 'Failure',
    message: why ? `${start}: ${why}` : `${start} without explanation`,
    ...(reason ? { reason } : {}),
    ...(details ? { details } : {}),
    code: Math.max(code, 400),
  });
}

export const dryRunUnsupported = (webhook: string): StatusError =>
  badRequest(`admission webhook ${JSON.stringify(webhook)} does not support dry run`);
