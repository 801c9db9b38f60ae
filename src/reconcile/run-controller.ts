import { isConflict, StatusError } from '../api/meta/status-error.ts';
import type { Logger } from '../base/log.ts';
import { NotLeadingError } from '../client/leading-transport.ts';
import type { Controller } from './controller.ts';
import { isNamespaceEnding } from './namespace-ending.ts';
import type { WorkQueue } from './work-queue.ts';

const defaultWorkers = 5;
const leaseRetryMs = 1_000;

/** Hands keys to the controller's workers until the signal aborts. Settles when the last of them is idle. */
export async function runController(
  controller: Controller,
  queue: WorkQueue,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const close = () => queue.close();
  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) close();
  const work = async () => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      await reconcileOne(controller, queue, key, log, signal);
    }
  };
  const workers = Array.from({ length: controller.workers ?? defaultWorkers }, work);
  try {
    await Promise.all([...workers, controller.run?.(signal)]);
  } finally {
    signal.removeEventListener('abort', close);
  }
}

async function reconcileOne(
  controller: Controller,
  queue: WorkQueue,
  key: string,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  try {
    await controller.reconcile(key, signal);
    queue.forget(key);
  } catch (error) {
    if (signal.aborted) return;
    // Nothing is wrong with this key. Who has lost the lease for good begins anew; who gets it again soon goes on soon.
    if (error instanceof NotLeadingError) {
      queue.addAfter(key, leaseRetryMs);
      return;
    }
    queue.addRateLimited(key);
    // A lost race is an ordinary day: the next look sees what won.
    if (isConflict(error)) log.debug('conflict, looking again', { key });
    else if (isNamespaceEnding(error)) log.debug('namespace is ending', { key });
    // The server said what is wrong; where it was asked matters less than that it is not said thousands of times.
    else if (error instanceof StatusError) {
      const failures = queue.failuresOf(key);
      const emit = failures > 3 ? log.warn : log.debug;
      emit('reconcile refused', { key, failures, problem: error.message });
    } else log.error('reconcile failed', error, { key, failures: queue.failuresOf(key) });
  } finally {
    queue.done(key);
  }
}
