import type { Node, Pod, Taint, Toleration } from '../../generated/core-v1.ts';
import { nodeKind, podKind } from '../../generated/kinds.ts';
import { tolerates } from '../api/core/tolerations.ts';
import { isEqual } from '../api/meta/equality.ts';
import { keyOf } from '../api/meta/object.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import { about } from '../reconcile/about.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { markDisrupted } from './shared/disruption.ts';
import { indexByNode, podsOn } from './shared/pods-by-node.ts';

const askAgainMs = 1000;

/** Deletes pods that do not tolerate a NoExecute taint of their node, or no longer do. */
export const taintEvictionController: ControllerDefinition = {
  name: 'taint-eviction',
  setup({ client, informers, clock, recorder }, queue) {
    const nodes = informers.informer(nodeKind);
    const pods = informers.informer(podKind);
    const events = recorder('taint-eviction-controller');
    /** Pods that have begun to wait for the end of their toleration. */
    const waiting = new Map<string, { uid: string; sinceMs: number }>();
    /** By key the uid: what was asked to go need not be asked again. */
    const evicted = new Map<string, string>();
    indexByNode(pods);
    const addPodsOf = (node: Node) => {
      for (const pod of podsOn(pods, node.metadata.name)) queue.add(keyOf(pod));
    };
    nodes.onChange({
      added: (node) => {
        if (executing(node).length > 0) addPodsOf(node);
      },
      updated: (next, previous) => {
        if (!isEqual(executing(next), executing(previous))) addPodsOf(next);
      },
    });
    const addTainted = (pod: Pod) => {
      const node = pod.spec?.nodeName ? nodes.find(pod.spec.nodeName) : undefined;
      if (node && executing(node).length > 0) queue.add(keyOf(pod));
    };
    pods.onChange({
      added: addTainted,
      updated: (next, previous) => {
        const { nodeName, tolerations } = previous.spec ?? {};
        if (next.spec?.nodeName !== nodeName || !isEqual(next.spec?.tolerations, tolerations)) addTainted(next);
      },
      deleted: (pod) => {
        waiting.delete(keyOf(pod));
        evicted.delete(keyOf(pod));
      },
    });

    const stopWaiting = (key: string, pod: Pod) => {
      evicted.delete(key);
      if (!waiting.delete(key)) return;
      events.event(about(podKind, pod), 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`);
    };

    return {
      name: 'taint-eviction',
      workers: 8,
      async reconcile(key) {
        const pod = pods.find(key);
        if (!pod) return;
        const node = nodes.find(pod.spec?.nodeName ?? '');
        const seconds = toleratedSeconds(node ? executing(node) : [], pod.spec?.tolerations ?? []);
        if (seconds === Number.POSITIVE_INFINITY) return stopWaiting(key, pod);
        const uid = pod.metadata.uid ?? '';
        if (evicted.get(key) === uid) return;
        const known = waiting.get(key);
        const since = known?.uid === uid ? known : { uid, sinceMs: clock.monotonicMs() };
        const leftMs = since.sinceMs + seconds * 1000 - clock.monotonicMs();
        if (leftMs > 0) {
          waiting.set(key, since);
          return queue.addAfter(key, leftMs);
        }
        // Whoever does not hear of nodes at the moment would evict for a taint that is gone, and evict what comes instead.
        if (nodes.followsSinceMs === undefined) return queue.addAfter(key, askAgainMs);
        waiting.delete(key);
        await evict(pod);
        evicted.set(key, uid);
      },
    };

    async function evict(pod: Pod): Promise<void> {
      const { namespace = '', name } = pod.metadata;
      events.event(
        about(podKind, pod),
        'Normal',
        'TaintManagerEviction',
        `Marking for deletion Pod ${namespace}/${name}`,
      );
      const message = 'Taint manager: deleting due to NoExecute taint';
      try {
        const disruption = { reason: 'DeletionByTaintManager', message } as const;
        await markDisrupted(client, pod, { disruption, nowMs: clock.now() });
        if (!pod.metadata.deletionTimestamp) await client.resource(podKind).delete({ namespace, name });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  },
};

const executing = (node: Node): Taint[] => (node.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');

/** How long the pod may stay: 0 when a taint is not tolerated at all, else the shortest of the tolerations used. */
export function toleratedSeconds(taints: readonly Taint[], tolerations: readonly Toleration[]): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const matching = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return 0;
    for (const { tolerationSeconds } of matching) {
      if (tolerationSeconds !== undefined) shortest = Math.min(shortest, Math.max(0, tolerationSeconds));
    }
  }
  return shortest;
}
