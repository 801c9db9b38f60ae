// Errors of the container runtime.
import { GrpcError } from '../../base/grpc.ts';

/** `rpc error: code = Unknown desc = …`, the form of the kubelet's messages. */
export function rpcErrorText(error: unknown): string {
  if (!(error instanceof GrpcError)) return error instanceof Error ? error.message : String(error);
  return `rpc error: code = ${codeNames[error.code] ?? 'Unknown'} desc = ${error.message}`;
}

export const unknownCode = 2;

const codeNames: Record<number, string> = {
  1: 'Canceled',
  2: 'Unknown',
  3: 'InvalidArgument',
  4: 'DeadlineExceeded',
  5: 'NotFound',
  6: 'AlreadyExists',
  7: 'PermissionDenied',
  8: 'ResourceExhausted',
  9: 'FailedPrecondition',
  10: 'Aborted',
  11: 'OutOfRange',
  12: 'Unimplemented',
  13: 'Internal',
  14: 'Unavailable',
  16: 'Unauthenticated',
};

export const isNotFoundError = (error: unknown): boolean => error instanceof GrpcError && error.code === 5;
export const isUnimplementedError = (error: unknown): boolean => error instanceof GrpcError && error.code === 12;
export const isUnavailableError = (error: unknown): boolean => error instanceof GrpcError && error.code === 14;
