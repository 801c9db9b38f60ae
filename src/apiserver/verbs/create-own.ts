// What the server itself makes takes the way of a POST, but for what lies between a client and a server: the same defaults,
// managers, admission and validation.
import { apiVersionOf, type KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { Slices } from '../../base/turns.ts';
import { canonical } from '../../schema/codec.ts';
import { serverUser } from '../crd/server-user.ts';
import { trackCreate } from '../managed-fields/track-update.ts';
import type { ServerParts } from './call.ts';
import { createObject } from './create-object.ts';
import { toStorage } from './to-storage.ts';

/** @throws StatusError AlreadyExists, and what a POST would be answered with */
export async function createOwn(
  server: ServerParts,
  resource: ResourceInfo,
  sent: KubernetesObject,
  manager: string,
): Promise<void> {
  const { registry, clock } = server;
  const whole = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...sent };
  const object = toStorage(resource, canonical<KubernetesObject>(resource.typeName, whole));
  trackCreate({ resource, table: registry.table, subresource: '', manager, nowMs: clock.now() }, object);
  const call = {
    ...{ server, resource, subresource: '', namespace: sent.metadata.namespace ?? '', name: '', user: serverUser },
    isDryRun: false,
    warn: () => {},
    slices: new Slices(() => clock.monotonicMs()),
  };
  await createObject(call, object);
}
