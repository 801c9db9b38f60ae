// What a driver's refusal means for what was asked of it.
import { GrpcError } from '../../base/grpc.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';

const canceled = 1;
const invalidArgument = 3;
const deadlineExceeded = 4;
const notFound = 5;
const resourceExhausted = 8;
const failedPrecondition = 9;
const aborted = 10;
const outOfRange = 11;
const unavailable = 14;

const stillGoingOn: ReadonlySet<number> = new Set([
  canceled,
  deadlineExceeded,
  resourceExhausted,
  aborted,
  unavailable,
]);

/** The driver has certainly done with it: nothing goes on behind our back. */
export const isFinal = (error: unknown): boolean => error instanceof GrpcError && !stillGoingOn.has(error.code);

/** Growing the volume so far will never work. */
export const isInfeasible = (error: unknown): boolean =>
  error instanceof GrpcError && [invalidArgument, outOfRange, notFound].includes(error.code);

/** Not while the volume is in use. */
export const isInUse = (error: unknown): boolean => error instanceof GrpcError && error.code === failedPrecondition;

export const isResourceExhausted = (code: number | undefined): boolean => code === resourceExhausted;

/** As Go's gRPC words a socket where nobody listens. */
export function wordedAsUpstream(error: unknown, endpoint: string): unknown {
  if (!(error instanceof GrpcError) || error.code !== unavailable) return error;
  const dial = /^No connection established.*connect (ENOENT|ECONNREFUSED)/s.exec(error.message);
  if (!dial) return error;
  const why = dial[1] === 'ENOENT' ? 'no such file or directory' : 'connection refused';
  const text = `connection error: desc = "transport: Error while dialing: dial unix ${endpoint}: connect: ${why}"`;
  return new GrpcError(text, unavailable);
}

/** With upstream's prefix of this plugin's messages. */
export const csiMessage = (text: string, error?: unknown): string =>
  `kubernetes.io/csi: ${text}${error === undefined ? '' : `: ${rpcErrorText(error)}`}`;
