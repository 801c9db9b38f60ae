import { X509Certificate } from 'node:crypto';
import type { CertificateSigningRequest } from '../../generated/certificates-v1.ts';
import { certificateSigningRequestKind } from '../../generated/kinds.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import { timeMs } from '../api/meta/time.ts';
import { every } from '../base/clock.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';

const hourMs = 3_600_000;
const decidedMs = hourMs;
const pendingMs = 24 * hourMs;

/** Deletes requests that nobody needs any more: an hour after the verdict, a day after they were forgotten. */
export const certificateCleaner: ControllerDefinition = {
  name: 'certificatesigningrequest-cleaner',
  setup({ client, informers, clock }) {
    const requests = informers.informer(certificateSigningRequestKind);
    const clean = async (signal: AbortSignal) => {
      for (const request of requests.list().filter((each) => isSpent(each, clock.now()))) {
        const { name, uid = '' } = request.metadata;
        await client
          .resource(certificateSigningRequestKind)
          .delete({ namespace: '', name }, { preconditions: { uid }, signal })
          .catch((error) => {
            if (!isNotFound(error)) throw error;
          });
      }
    };
    return {
      name: 'certificatesigningrequest-cleaner',
      async reconcile() {},
      async run(signal) {
        await clean(signal);
        for await (const _ of every(clock, hourMs, signal)) await clean(signal);
      },
    };
  },
};

export function isSpent({ metadata, status }: CertificateSigningRequest, nowMs: number): boolean {
  const isOlder = (time: string | undefined, ageMs: number) => {
    const atMs = timeMs(time);
    return atMs !== undefined && nowMs - atMs > ageMs;
  };
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0) return isOlder(metadata.creationTimestamp, pendingMs);
  return conditions.some(({ type, lastUpdateTime }) => {
    if (type === 'Denied' || type === 'Failed') return isOlder(lastUpdateTime, decidedMs);
    if (type !== 'Approved') return false;
    if (!status?.certificate) return isOlder(lastUpdateTime, pendingMs);
    return isOlder(lastUpdateTime, decidedMs) || isExpired(status.certificate, nowMs);
  });
}

function isExpired(base64: string, nowMs: number): boolean {
  try {
    return Date.parse(new X509Certificate(Buffer.from(base64, 'base64')).validTo) < nowMs;
  } catch {
    return false; // whatever it is, it has no end that could be read
  }
}
