// A node that says it waits for its provider gets what the provider knows of it, and then takes pods.
import type { Node } from '../../generated/core-v1.ts';
import { nodeKind } from '../../generated/kinds.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import { about } from '../reconcile/about.ts';
import type { ControllerContext, ControllerDefinition, EventRecorder } from '../reconcile/controller.ts';
import { type InstanceFacts, type Instances, uninitializedTaint } from './cloud/provider.ts';

export const cloudNodeController = (instances: Instances): ControllerDefinition => ({
  name: 'cloud-node',
  setup(context, queue) {
    const nodes = context.informers.informer(nodeKind);
    const recorder = context.recorder('cloud-node-controller');
    const look = (node: Node) => isWaiting(node) && queue.add(node.metadata.name);
    nodes.onChange({ added: look, updated: look });
    return {
      name: 'cloud-node',
      async reconcile(name, signal) {
        const node = nodes.find(name);
        if (!node || !isWaiting(node)) return;
        const facts = await instances.facts(node, signal);
        if (facts) await initialize(context, recorder, node, facts);
      },
    };
  },
});

const isWaiting = ({ spec }: Node) => (spec?.taints ?? []).some(({ key }) => key === uninitializedTaint);

async function initialize(
  { client }: ControllerContext,
  recorder: EventRecorder,
  node: Node,
  facts: InstanceFacts,
): Promise<void> {
  const { name, resourceVersion } = node.metadata;
  const nodes = client.resource(nodeKind);
  try {
    if (facts.addresses) {
      const status = { addresses: facts.addresses };
      await nodes.patch({ namespace: '', name }, { status }, { type: 'merge', subresource: 'status' });
    }
    const taints = node.spec.taints!.filter(({ key }) => key !== uninitializedTaint);
    const patch = {
      metadata: { labels: labelsOf(facts), ...(facts.addresses ? {} : { resourceVersion }) },
      spec: { taints, ...(node.spec.providerID ? {} : { providerID: facts.providerId }) },
    };
    await nodes.patch({ namespace: '', name }, patch, { type: 'merge' });
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
  recorder.event(about(nodeKind, node), 'Normal', 'Synced', 'Node synced successfully');
}

function labelsOf({ instanceType, zone, region, labels = {} }: InstanceFacts): Record<string, string> {
  const told: readonly (readonly [string, string | undefined])[] = [
    ['node.kubernetes.io/instance-type', instanceType],
    ['beta.kubernetes.io/instance-type', instanceType],
    ['topology.kubernetes.io/zone', zone],
    ['failure-domain.beta.kubernetes.io/zone', zone],
    ['topology.kubernetes.io/region', region],
    ['failure-domain.beta.kubernetes.io/region', region],
  ];
  return { ...labels, ...Object.fromEntries(told.flatMap(([key, value]) => (value ? [[key, value]] : []))) };
}
