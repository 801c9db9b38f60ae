// What the store says when it can not do what was asked, in the words that clients of upstream know from etcd.
import { StatusError, tooManyRequests } from '../../api/meta/status-error.ts';
import { NoSpaceError, OverloadedError, UnavailableError } from '../../store/store.ts';

/** Undefined: not the store's. */
export function statusOfStoreError(error: unknown): StatusError | undefined {
  if (error instanceof OverloadedError) return tooManyRequests('etcdserver: too many requests', 1);
  if (error instanceof NoSpaceError) return plain(error);
  if (error instanceof UnavailableError) return plain(error);
  return undefined;
}

/** Upstream hands these on without a reason. */
function plain(cause: Error): StatusError {
  const { message } = cause;
  return new StatusError(
    { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 },
    { cause },
  );
}
