import type { Pod } from '../../../generated/core-v1.ts';
import type { Informer } from '../../reconcile/informer.ts';

const index = 'node';

/** Lets an informer find pods by the node they are bound to. */
export function indexByNode(pods: Informer<Pod>): void {
  pods.addIndex(index, (pod) => [pod.spec?.nodeName ?? '']);
}

export function podsOn(pods: Informer<Pod>, node: string): readonly Pod[] {
  return pods.byIndex(index, node);
}
