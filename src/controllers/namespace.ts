import type { Namespace } from '../../generated/core-v1.ts';
import { namespaceKind } from '../../generated/kinds.ts';
import { isEqual } from '../api/meta/equality.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import type { Client } from '../client/client.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { emptyNamespace } from './namespace/empty-namespace.ts';
import { planConditions } from './namespace/plan-conditions.ts';
import { discover } from './shared/discover.ts';

const finalizer = 'kubernetes';
const firstRecheckMs = 100;
const maxRecheckMs = 5000;

/** Deletes what is in a namespace that is being deleted, says what remains, and lets it go when nothing does. */
export const namespaceController: ControllerDefinition = {
  name: 'namespace',
  setup({ client, informers, clock }, queue) {
    const namespaces = informers.informer(namespaceKind);
    const attempts = new Map<string, number>();
    const addEnding = ({ metadata }: Namespace) => {
      if (metadata.deletionTimestamp) queue.add(metadata.name);
    };
    namespaces.onChange({
      added: addEnding,
      updated: (next, previous) => {
        // Our own status updates are no reason to look again: content does not tell when it goes, so we ask.
        if (!previous.metadata.deletionTimestamp) addEnding(next);
      },
      deleted: ({ metadata }) => {
        attempts.delete(metadata.name);
      },
    });
    return {
      name: 'namespace',
      workers: 10,
      async reconcile(name, signal) {
        const namespace = namespaces.find(name);
        if (!namespace?.metadata.deletionTimestamp || !namespace.spec?.finalizers?.includes(finalizer)) return;
        if (await end(client, namespace, clock.now(), signal)) return;
        const attempt = attempts.get(name) ?? 0;
        attempts.set(name, attempt + 1);
        queue.addAfter(name, Math.min(firstRecheckMs * 1.5 ** attempt, maxRecheckMs));
      },
    };
  },
};

/** True when nothing of ours holds the namespace any longer. */
async function end(client: Client, cached: Namespace, nowMs: number, signal: AbortSignal): Promise<boolean> {
  const { name, uid } = cached.metadata;
  const namespaces = client.resource(namespaceKind);
  const { resources, failed } = await discover(client, signal);
  const content = await emptyNamespace(client, name, resources, signal);
  const current = await namespaces.find({ namespace: '', name });
  if (!current || current.metadata.uid !== uid) return true;
  const conditions = planConditions(current.status?.conditions, { ...content, undiscovered: failed }, nowMs);
  let latest = current;
  if (!isEqual(conditions, current.status?.conditions) || current.status?.phase !== 'Terminating') {
    const status = { ...current.status, phase: 'Terminating' as const, conditions };
    latest = await namespaces.update({ ...current, status }, { subresource: 'status' });
  }
  const isEmpty = content.remaining.size === 0 && content.failures.length === 0 && failed.length === 0;
  if (!isEmpty || content.isWaitingForPods) return false;
  const finalizers = (latest.spec?.finalizers ?? []).filter((each) => each !== finalizer);
  try {
    await namespaces.update({ ...latest, spec: { ...latest.spec, finalizers } }, { subresource: 'finalize' });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return true;
}
