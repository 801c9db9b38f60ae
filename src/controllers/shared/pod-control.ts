// Making and deleting pods on behalf of an owner, with the events that tell about it.
import type { Pod, PodTemplateSpec } from '../../../generated/core-v1.ts';
import { podKind } from '../../../generated/kinds.ts';
import type { OwnerReference } from '../../../generated/meta-v1.ts';
import { dns1123SubdomainProblems } from '../../api/meta/names.ts';
import type { KindRef, KubernetesObject } from '../../api/meta/object.ts';
import { isNotFound } from '../../api/meta/status-error.ts';
import type { Client, NewObject } from '../../client/client.ts';
import { about } from '../../reconcile/about.ts';
import type { EventRecorder } from '../../reconcile/controller.ts';
import { isNamespaceEnding } from '../../reconcile/namespace-ending.ts';

/** Who asks, for events. */
export interface Asker<O extends KubernetesObject> {
  readonly kind: KindRef<O>;
  readonly owner: O;
  readonly client: Client;
  readonly recorder: EventRecorder;
}

/** A pod of a template, with a name made of its owner's. */
export function podFromTemplate(
  template: PodTemplateSpec,
  ownerName: string,
  controller: OwnerReference,
): NewObject<Pod> {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const prefix = `${ownerName}-`;
  return {
    metadata: {
      generateName: dns1123SubdomainProblems(`${prefix}a`).length > 0 ? ownerName : prefix,
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ...(finalizers ? { finalizers } : {}),
      ownerReferences: [controller],
    },
    ...(template.spec ? { spec: template.spec } : {}),
  } as NewObject<Pod>;
}

/** Makes the pod in the owner's namespace, and says so. */
export async function createPod<O extends KubernetesObject>(
  { kind, owner, client, recorder }: Asker<O>,
  pod: NewObject<Pod>,
): Promise<Pod> {
  const namespace = owner.metadata.namespace ?? '';
  try {
    const created = await client.resource(podKind).create({ ...pod, metadata: { ...pod.metadata, namespace } });
    recorder.event(about(kind, owner), 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
    return created;
  } catch (error) {
    // A namespace that ends refuses everything: no use telling.
    if (!isNamespaceEnding(error)) {
      recorder.event(about(kind, owner), 'Warning', 'FailedCreate', `Error creating: ${(error as Error).message}`);
    }
    throw error;
  }
}

/** Deletes the pod, and says so. A pod that is gone already is fine. */
export async function deletePod<O extends KubernetesObject>(
  { kind, owner, client, recorder }: Asker<O>,
  pod: Pod,
): Promise<void> {
  const { namespace = '', name } = pod.metadata;
  try {
    await client.resource(podKind).delete({ namespace, name });
    recorder.event(about(kind, owner), 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
  } catch (error) {
    if (isNotFound(error)) return;
    recorder.event(about(kind, owner), 'Warning', 'FailedDelete', `Error deleting: ${(error as Error).message}`);
    throw error;
  }
}
