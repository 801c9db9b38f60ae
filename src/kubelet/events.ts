// Events of the node agent about pods, their containers and the node.
import type { Node, Pod } from '../../generated/core-v1.ts';
import type { EventRecorder } from '../reconcile/controller.ts';

export type EventType = 'Normal' | 'Warning';

/** Says what happened to a pod, or to one of its containers. Never throws, never waits. */
export interface PodEvents {
  pod(pod: Pod, type: EventType, reason: string, message: string, annotations?: Readonly<Record<string, string>>): void;
  container(pod: Pod, container: string, type: EventType, reason: string, message: string): void;
}

export interface NodeEvents extends PodEvents {
  node(node: Pick<Node, 'metadata'>, type: EventType, reason: string, message: string): void;
}

export function createNodeEvents(recorder: EventRecorder): NodeEvents {
  return {
    pod: (pod, type, reason, message, annotations) =>
      recorder.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, type, reason, message, annotations),
    container(pod, container, type, reason, message) {
      const about = { apiVersion: 'v1', kind: 'Pod', metadata: pod.metadata, fieldPath: fieldPath(pod, container) };
      recorder.event(about, type, reason, message);
    },
    node(node, type, reason, message) {
      // Upstream's uid of a node in its own events is its name.
      const metadata = { name: node.metadata.name, uid: node.metadata.name };
      recorder.event({ apiVersion: 'v1', kind: 'Node', metadata }, type, reason, message);
    },
  };
}

function fieldPath(pod: Pod, container: string): string {
  const has = (list: readonly { name: string }[] | undefined) => list?.some((each) => each.name === container);
  const list = has(pod.spec.containers)
    ? 'containers'
    : has(pod.spec.initContainers)
      ? 'initContainers'
      : 'ephemeralContainers';
  return `spec.${list}{${container}}`;
}
