// Watches over nodes: one that is not heard of becomes unknown, its pods not ready; conditions become taints.
import type { Lease } from '../../generated/coordination-v1.ts';
import type { Node, NodeCondition, Pod } from '../../generated/core-v1.ts';
import { leaseKind, nodeKind, podKind } from '../../generated/kinds.ts';
import { findCondition } from '../api/meta/conditions.ts';
import { isEqual } from '../api/meta/equality.ts';
import { isConflict, isNotFound } from '../api/meta/status-error.ts';
import { timeText } from '../api/meta/time.ts';
import { about } from '../reconcile/about.ts';
import type { ControllerContext, ControllerDefinition, EventRecorder, KeyQueue } from '../reconcile/controller.ts';
import type { Informer } from '../reconcile/informer.ts';
import { planLabels } from './node-lifecycle/plan-labels.ts';
import { planTaints } from './node-lifecycle/plan-taints.ts';
import { indexByNode, podsOn } from './shared/pods-by-node.ts';

const leaseNamespace = 'kube-node-lease';
/** A node that never reported gets longer: it may be starting. */
const startupGraceMs = 60_000;
const heartbeatConditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

export function nodeLifecycleController(gracePeriodSeconds = 50): ControllerDefinition {
  return {
    name: 'node-lifecycle',
    setup(context, queue) {
      const lifecycle = new NodeLifecycle(context, queue, gracePeriodSeconds * 1000);
      return { name: 'node-lifecycle', workers: 8, reconcile: (name) => lifecycle.reconcile(name) };
    },
  };
}

class NodeLifecycle {
  readonly #context: ControllerContext;
  readonly #queue: KeyQueue;
  readonly #graceMs: number;
  readonly #leases: Informer<Lease>;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #recorder: EventRecorder;
  /** When a node was last heard of, by our clock: those of the nodes need not agree. */
  readonly #heardMs = new Map<string, number>();
  readonly #ready = new Set<string>();

  constructor(context: ControllerContext, queue: KeyQueue, graceMs: number) {
    this.#context = context;
    this.#queue = queue;
    this.#graceMs = graceMs;
    this.#nodes = context.informers.informer(nodeKind);
    this.#pods = context.informers.informer(podKind);
    this.#recorder = context.recorder('node-controller');
    indexByNode(this.#pods);
    this.#leases = context.informers.informer(leaseKind, { namespace: leaseNamespace });
    const heard = (name: string) => this.#heardMs.set(name, context.clock.monotonicMs());
    this.#leases.onChange({
      added: ({ metadata }) => heard(metadata.name),
      updated: ({ metadata }) => heard(metadata.name),
    });
    this.#nodes.onChange({
      added: (node) => this.#added(node),
      updated: (next, previous) => this.#updated(next, previous),
      deleted: (node) => this.#deleted(node),
    });
  }

  #added(node: Node): void {
    const { name } = node.metadata;
    this.#heardMs.set(name, this.#context.clock.monotonicMs());
    this.#count(name, isReady(node));
    this.#tell(node, 'RegisteredNode', `Node ${name} event: Registered Node ${name} in Controller`);
    this.#queue.add(name);
  }

  #updated(next: Node, previous: Node): void {
    const { name } = next.metadata;
    const before = findCondition(previous.status?.conditions, 'Ready');
    const now = findCondition(next.status?.conditions, 'Ready');
    if (now && now.lastHeartbeatTime !== before?.lastHeartbeatTime) {
      this.#heardMs.set(name, this.#context.clock.monotonicMs());
    }
    this.#queue.add(name);
    this.#count(name, now?.status === 'True');
  }

  /** Whether the others are evicted depends on whether anybody works. */
  #count(name: string, isReady: boolean): void {
    const hadAny = this.#ready.size > 0;
    if (isReady) this.#ready.add(name);
    else this.#ready.delete(name);
    if (hadAny === this.#ready.size > 0) return;
    for (const { metadata } of this.#nodes.list()) if (!this.#ready.has(metadata.name)) this.#queue.add(metadata.name);
  }

  #deleted(node: Node): void {
    const { name } = node.metadata;
    this.#heardMs.delete(name);
    this.#count(name, false);
    this.#tell(node, 'RemovingNode', `Node ${name} event: Removing Node ${name} from Controller`);
  }

  #tell(node: Node, reason: string, message: string): void {
    this.#recorder.event(about(nodeKind, node), 'Normal', reason, message);
  }

  async reconcile(name: string): Promise<void> {
    let node = this.#nodes.find(name);
    if (!node) return;
    const silentMs = this.#silentMs(name);
    const ready = findCondition(node.status?.conditions, 'Ready');
    const graceMs = ready ? this.#graceMs : startupGraceMs;
    if (silentMs < graceMs) this.#queue.addAfter(name, graceMs - silentMs + 10);
    else if (ready?.status !== 'Unknown') node = await this.#markUnknown(node);
    else if (podsOn(this.#pods, name).some(isMarkedReady)) await this.#markPodsNotReady(node);
    await this.#taint(node);
    await this.#label(node);
  }

  async #label({ metadata }: Node): Promise<void> {
    const labels = planLabels(metadata.labels);
    if (labels)
      await this.#context.client
        .resource(nodeKind)
        .patch({ namespace: '', name: metadata.name }, { metadata: { labels } }, { type: 'merge' });
  }

  /** For how long the node could have been heard of and was not: while we ourselves hear nothing, nobody is silent. */
  #silentMs(name: string): number {
    const nowMs = this.#context.clock.monotonicMs();
    const { followsSinceMs = nowMs } = this.#leases;
    return nowMs - Math.max(this.#heardMs.get(name) ?? 0, followsSinceMs);
  }

  async #markUnknown(node: Node): Promise<Node> {
    const now = timeText(this.#context.clock.now());
    const known = node.status?.conditions ?? [];
    const unknown = heartbeatConditions.map((type): NodeCondition => {
      const current = findCondition(known, type);
      return {
        type,
        status: 'Unknown',
        lastHeartbeatTime: current?.lastHeartbeatTime ?? node.metadata.creationTimestamp ?? now,
        lastTransitionTime: now,
        reason: current ? 'NodeStatusUnknown' : 'NodeStatusNeverUpdated',
        message: current ? 'Kubelet stopped posting node status.' : 'Kubelet never posted node status.',
      };
    });
    const others = known.filter(({ type }) => !heartbeatConditions.includes(type));
    const status = { ...node.status, conditions: [...others, ...unknown] };
    const wasReady = isReady(node);
    const written = await this.#context.client
      .resource(nodeKind)
      .update({ ...node, status }, { subresource: 'status' });
    if (wasReady) {
      const { name } = node.metadata;
      this.#tell(node, 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
      await this.#markPodsNotReady(node);
    }
    return written;
  }

  /** Nobody else says so of pods whose node is silent, and Services should not send there. */
  async #markPodsNotReady(node: Node): Promise<void> {
    for (const pod of podsOn(this.#pods, node.metadata.name).filter(isMarkedReady)) {
      const { namespace = '', name, uid } = pod.metadata;
      const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime: timeText(this.#context.clock.now()) }];
      const patch = { metadata: { uid }, status: { conditions } };
      try {
        await this.#context.client
          .resource(podKind)
          .patch({ namespace, name }, patch, { type: 'strategic', subresource: 'status' });
        this.#recorder.event(about(podKind, pod), 'Warning', 'NodeNotReady', 'Node is not ready');
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    }
  }

  async #taint(node: Node): Promise<void> {
    const evicts = isReady(node) || this.#ready.size > 0;
    const taints = planTaints(node, { evicts, nowMs: this.#context.clock.now() });
    if (isEqual(taints, node.spec?.taints)) return;
    const { name, resourceVersion } = node.metadata;
    const patch = { metadata: { resourceVersion }, spec: { taints } };
    await this.#context.client.resource(nodeKind).patch({ namespace: '', name }, patch, { type: 'merge' });
  }
}

const isReady = (node: Node) => findCondition(node.status?.conditions, 'Ready')?.status === 'True';
const isMarkedReady = (pod: Pod) => findCondition(pod.status?.conditions, 'Ready')?.status === 'True';
