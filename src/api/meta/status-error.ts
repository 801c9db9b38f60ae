// The errors of the API. One class with a reason; small functions make them, small functions ask about them.
// Codes and messages are those of upstream's apimachinery/pkg/api/errors.
import type { Status, StatusCause, StatusDetails } from '../../../generated/meta-v1.ts';

/** A failure that is a `Status` object: verbs throw it, the HTTP edge renders it, clients get it back. */
export class StatusError extends Error {
  readonly status: Status;

  constructor(status: Status, options?: ErrorOptions) {
    super(status.message ?? status.reason ?? 'unknown error', options);
    this.name = 'StatusError';
    this.status = status;
  }

  get code(): number {
    return this.status.code ?? 500;
  }

  get reason(): string {
    return this.status.reason ?? '';
  }
}

/** A group and a resource or kind: `deployments.apps`, or `pods` in the core group. */
export interface GroupName {
  readonly group: string;
  /** Plural resource, or the kind for `invalid`. */
  readonly name: string;
}

export function qualified({ group, name }: GroupName): string {
  return group ? `${name}.${group}` : name;
}

function failure(code: number, reason: string, message: string, details?: StatusDetails): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details ? { details } : {}),
    code,
  });
}

function about(resource: GroupName, name: string, rest: StatusDetails = {}): StatusDetails {
  return {
    ...(name ? { name } : {}),
    ...(resource.group ? { group: resource.group } : {}),
    kind: resource.name,
    ...rest,
  };
}

export const notFound = (resource: GroupName, name: string): StatusError =>
  failure(404, 'NotFound', `${qualified(resource)} "${name}" not found`, about(resource, name));

export const alreadyExists = (resource: GroupName, name: string): StatusError =>
  failure(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, about(resource, name));

export const conflict = (resource: GroupName, name: string, problem: string): StatusError =>
  failure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${problem}`,
    about(resource, name),
  );

/** The message of a lost compare-and-put, as upstream words it. */
export const optimisticLockMessage =
  'the object has been modified; please apply your changes to the latest version and try again';

export const forbidden = (resource: GroupName, name: string, problem: string): StatusError => {
  const subject = name ? `${qualified(resource)} "${name}" is forbidden` : `${qualified(resource)} is forbidden`;
  return failure(
    403,
    'Forbidden',
    resource.name ? `${subject}: ${problem}` : `forbidden: ${problem}`,
    about(resource, name),
  );
};

export const unauthorized = (): StatusError => failure(401, 'Unauthorized', 'Unauthorized');

export const badRequest = (message: string): StatusError => failure(400, 'BadRequest', message);

export const methodNotSupported = (resource: GroupName, action: string): StatusError =>
  failure(
    405,
    'MethodNotAllowed',
    `${action} is not supported on resources of kind "${qualified(resource)}"`,
    about(resource, ''),
  );

export const notAcceptable = (message: string): StatusError => failure(406, 'NotAcceptable', message);

export const gone = (message: string): StatusError => failure(410, 'Gone', message);

/** The requested revision has been compacted away. */
export const expired = (message: string): StatusError => failure(410, 'Expired', message);

export const entityTooLarge = (message: string): StatusError => failure(413, 'RequestEntityTooLarge', message);

export const unsupportedMediaType = (message: string): StatusError => failure(415, 'UnsupportedMediaType', message);

export const tooManyRequests = (message: string, retryAfterSeconds: number): StatusError =>
  failure(429, 'TooManyRequests', message, { retryAfterSeconds });

/** A failure upstream gives no reason for: 500 and the message. */
export const unexplained = (message: string): StatusError =>
  new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 });

export const internalError = (problem: string, cause?: unknown): StatusError =>
  new StatusError(
    {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `Internal error occurred: ${problem}`,
      reason: 'InternalError',
      details: { causes: [{ message: problem } as StatusCause] },
      code: 500,
    },
    { cause },
  );

export const serviceUnavailable = (message: string): StatusError => failure(503, 'ServiceUnavailable', message);

export const timedOut = (message: string, retryAfterSeconds = 0): StatusError =>
  failure(504, 'Timeout', message, retryAfterSeconds ? { retryAfterSeconds } : {});

/** A validation failure of a whole object; `causes` as FieldErrors.causes() gives them. */
export const invalid = (kind: GroupName, name: string, summary: string, causes: StatusCause[]): StatusError =>
  failure(
    422,
    'Invalid',
    `${qualified(kind)} "${name}" is invalid: ${summary}`,
    about(kind, name, causes.length ? { causes } : {}),
  );

const hasReason = (reason: string) => (error: unknown) => error instanceof StatusError && error.reason === reason;

export const isNotFound = hasReason('NotFound');
export const isAlreadyExists = hasReason('AlreadyExists');
export const isConflict = hasReason('Conflict');
export const isForbidden = hasReason('Forbidden');
export const isInvalid = hasReason('Invalid');
export const isExpired = (error: unknown): boolean => error instanceof StatusError && error.code === 410;
