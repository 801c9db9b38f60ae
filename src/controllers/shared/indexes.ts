// Indexes that several controllers ask their shared informers for.
import type { KubernetesObject } from '../../api/meta/object.ts';
import { controllerOf } from '../../api/meta/owner-references.ts';
import type { Informer } from '../../reconcile/informer.ts';

const controllerIndex = 'controller-uid';

/** Lets an informer find objects by the uid of their controller, and orphans by namespace. */
export function indexByController<T extends KubernetesObject>(informer: Informer<T>): void {
  informer.addIndex(controllerIndex, (object) => [
    controllerOf(object)?.uid ?? `orphans of ${object.metadata.namespace ?? ''}`,
  ]);
}

export function controlledBy<T extends KubernetesObject>(informer: Informer<T>, uid: string | undefined): readonly T[] {
  return informer.byIndex(controllerIndex, uid ?? '');
}

/** What the owner may claim: what it controls, and what nobody does in its namespace. */
export function candidatesFor<T extends KubernetesObject>(informer: Informer<T>, { metadata }: KubernetesObject): T[] {
  return [...controlledBy(informer, metadata.uid), ...orphansOf(informer, metadata.namespace ?? '')];
}

export function orphansOf<T extends KubernetesObject>(informer: Informer<T>, namespace: string): readonly T[] {
  return informer.byIndex(controllerIndex, `orphans of ${namespace}`);
}
