// This machine as the provider of a cluster's nodes: the instances are the machine itself and the network namespaces of its
// further nodes. Machines that joined are nobody's: they say for themselves whether they are there.
import { existsSync, readFileSync } from 'node:fs';
import type { Node } from '../../../generated/core-v1.ts';
import type { InstanceFacts, Instances } from '../../controllers/cloud/provider.ts';
import { nodeNamespaceName } from '../../network/overlay/names.ts';
import type { Layout } from '../settings/layout.ts';
import type { NodeSettings } from './further-nodes.ts';

export interface MachineProviderSettings {
  readonly cluster: string;
  /** The file that says which nodes the cluster has here. */
  readonly settingsFile: string;
  /** What paths of namespaces begin with; the node's name follows. */
  readonly namespacePrefix: string;
}

export const machineSettings = (layout: Layout): MachineProviderSettings => ({
  cluster: layout.name,
  settingsFile: layout.settings,
  namespacePrefix: `/run/netns/${nodeNamespaceName(layout.name, '')}`,
});

/** What the agent of a node that was made here registers it with. */
export const providerIdOf = (cluster: string, node: string) => `coracle://${cluster}/${node}`;

export function machineProvider(settings: MachineProviderSettings): Instances {
  const { cluster, settingsFile, namespacePrefix } = settings;
  const read = () => JSON.parse(readFileSync(settingsFile, 'utf8')) as NodeSettings;
  const isOurs = ({ metadata, spec }: Node) => spec?.providerID === providerIdOf(cluster, metadata.name);
  const isFurther = (name: string) => (read().furtherNodes ?? []).some((each) => each.name === name);
  return {
    async exists(node) {
      const { name } = node.metadata;
      return !isOurs(node) || name === read().nodeName || isFurther(name);
    },
    async isShutDown(node) {
      const { name } = node.metadata;
      return isOurs(node) && isFurther(name) && !existsSync(`${namespacePrefix}${name}`);
    },
    async facts({ metadata: { name } }): Promise<InstanceFacts | undefined> {
      const providerId = providerIdOf(cluster, name);
      if (isFurther(name)) return { providerId, instanceType: 'namespace' };
      return name === read().nodeName ? { providerId, instanceType: 'machine' } : undefined;
    },
  };
}
