import type { KindRef, KubernetesObject } from '../../api/meta/object.ts';
import { isConflict, isNotFound } from '../../api/meta/status-error.ts';
import type { Client } from '../../client/client.ts';

/** Takes one finalizer off an object; done when it is gone, or the object is. A conflict comes back as a new event. */
export async function removeFinalizer<T extends KubernetesObject>(
  client: Client,
  kind: KindRef<T>,
  object: T,
  finalizer: string,
): Promise<void> {
  const finalizers = (object.metadata.finalizers ?? []).filter((each) => each !== finalizer);
  await withFinalizers(client, kind, object, finalizers);
}

/** Puts it there where admission did not, or somebody took it away. */
export async function addFinalizer<T extends KubernetesObject>(
  client: Client,
  kind: KindRef<T>,
  object: T,
  finalizer: string,
): Promise<void> {
  await withFinalizers(client, kind, object, [...(object.metadata.finalizers ?? []), finalizer]);
}

async function withFinalizers<T extends KubernetesObject>(
  client: Client,
  kind: KindRef<T>,
  object: T,
  finalizers: string[],
): Promise<void> {
  try {
    await client.resource(kind).update({ ...object, metadata: { ...object.metadata, finalizers } });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
