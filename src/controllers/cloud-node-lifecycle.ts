// Nodes that are not ready, held against the machines that there are: a node whose machine is gone goes too, and one whose
// machine is shut down takes no pods.
import type { Node } from '../../generated/core-v1.ts';
import { nodeKind } from '../../generated/kinds.ts';
import { isConditionTrue } from '../api/meta/conditions.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import { about } from '../reconcile/about.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { type Instances, shutdownTaint } from './cloud/provider.ts';

const lookAgainMs = 5_000;

export const cloudNodeLifecycleController = (instances: Instances): ControllerDefinition => ({
  name: 'cloud-node-lifecycle',
  setup({ client, informers, recorder }, queue) {
    const nodes = informers.informer(nodeKind);
    const events = recorder('cloud-node-lifecycle-controller');
    const look = (node: Node) => (!isReady(node) || isMarked(node)) && queue.add(node.metadata.name);
    nodes.onChange({ added: look, updated: look });

    async function remove(node: Node): Promise<void> {
      const { name, uid } = node.metadata;
      const tell = (type: 'Normal' | 'Warning', reason: string, message: string) =>
        events.event(about(nodeKind, node), type, reason, message);
      tell('Normal', 'DeletingNode', `Deleting node ${name} because it does not exist in the cloud provider`);
      try {
        await client.resource(nodeKind).delete({ namespace: '', name }, { preconditions: { uid: uid! } });
      } catch (error) {
        if (isNotFound(error)) return;
        tell('Warning', 'DeletingNodeFailed', `Failed deleting node ${name}: ${(error as Error).message}`);
        throw error;
      }
    }

    async function mark(node: Node, isShutDown: boolean): Promise<void> {
      if (isShutDown === isMarked(node)) return;
      const { name, resourceVersion } = node.metadata;
      const others = (node.spec?.taints ?? []).filter(({ key }) => key !== shutdownTaint);
      const taints = isShutDown ? [...others, { key: shutdownTaint, effect: 'NoSchedule' }] : others;
      const patch = { metadata: { resourceVersion }, spec: { taints } };
      await client.resource(nodeKind).patch({ namespace: '', name }, patch, { type: 'merge' });
    }

    return {
      name: 'cloud-node-lifecycle',
      workers: 1,
      async reconcile(name, signal) {
        const node = nodes.find(name);
        if (!node || node.metadata.deletionTimestamp) return;
        if (isReady(node)) return mark(node, false);
        if (!(await instances.exists(node, signal))) return remove(node);
        // Who may be shut down and who comes back is for the provider to say: no event tells.
        queue.addAfter(name, lookAgainMs);
        if (await instances.isShutDown(node, signal)) await mark(node, true);
      },
    };
  },
});

const isReady = ({ status }: Node) => isConditionTrue(status?.conditions, 'Ready');
const isMarked = ({ spec }: Node) => (spec?.taints ?? []).some(({ key }) => key === shutdownTaint);
