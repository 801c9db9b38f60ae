// A definition that goes takes its objects along, and waits for those that somebody's finalizer holds.
import type { CustomResourceDefinition } from '../../../generated/apiextensions-v1.ts';
import { isNotFound } from '../../api/meta/status-error.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Entry } from '../registry/entry.ts';
import type { ServerParts } from '../verbs/call.ts';
import { deleteObject } from '../verbs/delete-object.ts';
import { isEstablished } from './conditions.ts';
import { serverUser } from './server-user.ts';

const pollMs = 500;
const workers = 16;

/** True once there are none; false when the signal came first. */
export async function deleteInstances(
  parts: ServerParts,
  definition: CustomResourceDefinition,
  signal: AbortSignal,
): Promise<boolean> {
  if (!isEstablished(definition)) return true;
  const { table } = parts.registry;
  const { spec, status } = definition;
  const plural = status!.acceptedNames!.plural;
  // As they are stored: nothing needs to be converted then, and no webhook be there.
  const served = () => spec.versions.map(({ name }) => table.find(spec.group, name, plural)).find(Boolean);
  const resource = table.stored(spec.group, plural) ?? served();
  if (!resource) return true;
  const cache = parts.registry.sourceOf(resource);
  while (!signal.aborted) {
    await parts.registry.hub.waitForHead(signal);
    const entries = cache.list();
    if (entries.length === 0) return true;
    const waiting = entries.filter((entry) => !entry.peek().metadata.deletionTimestamp);
    await deleteAll(parts, resource, waiting);
    if (cache.size > 0) await parts.clock.sleep(pollMs, signal);
  }
  return false;
}

async function deleteAll(parts: ServerParts, resource: ResourceInfo, entries: readonly Entry[]): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < entries.length) {
      const { namespace, name } = entries[next++]!;
      try {
        await deleteObject(
          {
            server: parts,
            resource,
            subresource: '',
            namespace,
            name,
            user: serverUser,
            isDryRun: false,
            skipsAdmission: true,
            warn: () => {},
          },
          {},
        );
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, entries.length) }, worker));
}
