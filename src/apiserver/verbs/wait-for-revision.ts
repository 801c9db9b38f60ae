// Reads that ask for a revision wait a moment for the caches to reach it.
import { StatusError } from '../../api/meta/status-error.ts';
import { linkSignal } from '../../base/signals.ts';
import { isUncached } from '../registry/expire-events.ts';
import type { Call } from './call.ts';

const patienceMs = 3000;

function tooLarge(asked: number, current: number, retryAfterSeconds: number): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
    reason: 'Timeout',
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      ...(retryAfterSeconds ? { retryAfterSeconds } : {}),
    },
    code: 504,
  });
}

/** Absent: all that the store has acknowledged. 0: whatever is there. @throws StatusError 504 */
export async function waitForRevision(call: Call, revision: number | undefined): Promise<void> {
  const head = call.server.registry.headOf(call.resource);
  // What is converted is only kept up to date while somebody looks.
  if (revision === 0) return call.resource.custom?.conversion ? head.waitForHead(call.signal) : undefined;
  if (revision === undefined) return head.waitForHead(call.signal);
  if (revision <= head.revision) return;
  if (isUncached(call.resource)) {
    await head.waitForHead(call.signal);
    if (revision > head.revision) throw tooLarge(revision, head.revision, 0);
    return;
  }
  using link = linkSignal([call.signal], patienceMs);
  await head.waitFor(revision, link.signal);
  if (revision > head.revision) throw tooLarge(revision, head.revision, 1);
}
