// What a simulated node has instead of a machine: volumes, cgroups and references that touch nothing.
import type { ConfigMap, Secret } from '../../../generated/core-v1.ts';
import { configMapKind, secretKind } from '../../../generated/kinds.ts';
import type { Client } from '../../client/client.ts';
import type { CgroupTree } from '../cgroups/cgroup-tree.ts';
import type { PodReferences } from '../reference-cache.ts';
import type { PodVolumes } from '../volumes/volume-manager.ts';

export const simulatedVolumes: PodVolumes = {
  podDir: (uid) => `/nonexistent/${uid}`,
  setUp: async (pod) =>
    new Map((pod.spec.volumes ?? []).map(({ name }) => [name, { hostPath: '/nonexistent', isReadOnly: false }])),
  refresh: async () => undefined,
  subPath: async () => '/nonexistent',
  tearDown: async () => undefined,
  unmountAll: async () => undefined,
  podUids: async () => [],
};

export const simulatedCgroups: CgroupTree = {
  missing: { needed: [], useful: [] },
  version: 2,
  pathOf: (pod) => `/simulated/${pod.metadata.uid}`,
  ensurePod: async () => undefined,
  removePod: async () => undefined,
  podUids: async () => new Set(),
  hasSwapLimit: async () => false,
  limitPods: async () => true,
  balance: async () => undefined,
  podsGroup: '/simulated',
  memoryDir: '',
  processCount: async () => 0,
  removeAll: async () => undefined,
};

/** No watches: a simulated pod reads what it refers to when it starts, and that is all. */
export function simulatedReferences(client: Client): PodReferences {
  return {
    retain: () => undefined,
    configMap: (namespace, name): Promise<ConfigMap | undefined> =>
      client.resource(configMapKind).find({ namespace, name }),
    secret: (namespace, name): Promise<Secret | undefined> => client.resource(secretKind).find({ namespace, name }),
  };
}
