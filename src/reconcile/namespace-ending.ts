import { StatusError } from '../api/meta/status-error.ts';

/** The server refuses because the namespace is being deleted: nothing to do there, and nothing to tell. */
export function isNamespaceEnding(error: unknown): boolean {
  return (
    error instanceof StatusError &&
    (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating')
  );
}
