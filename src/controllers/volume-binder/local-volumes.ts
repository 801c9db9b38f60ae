// Makes volumes of directories of the node that the pod goes to, and has the node remove them again. The directory itself is
// made by the node when the first pod mounts it.
import { join } from 'node:path';
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../../generated/core-v1.ts';
import { nodeKind } from '../../../generated/kinds.ts';
import { localVolumePath, localVolumeProvisioner, localVolumesFolder } from '../../api/core/local-volumes.ts';
import { isSimulatedNode } from '../../api/core/simulated-node.ts';
import { isConditionTrue } from '../../api/meta/conditions.ts';
import { isNotFound } from '../../api/meta/status-error.ts';
import type { ControllerContext } from '../../reconcile/controller.ts';
import type { Deleter, Provisioner, ProvisionRequest } from './provisioner.ts';

const hostnameLabel = 'kubernetes.io/hostname';

export function localVolumes({ client, informers }: ControllerContext): Provisioner & Deleter {
  const nodes = informers.informer(nodeKind);
  return {
    name: localVolumeProvisioner,

    async provision({ claim, storageClass, nodeName, volumeName }) {
      checkClaim(claim);
      const node = nodeName === undefined ? anyNode(nodes.list()) : nodes.find(nodeName);
      if (!node) throw new Error(nodeName === undefined ? 'no node is ready' : `node "${nodeName}" not found`);
      return planVolume({ claim, storageClass, volumeName }, node);
    },

    deletes: () => false, // only what it made itself

    async delete({ metadata: { name }, spec }, signal) {
      const nodeName = nodeOf(spec);
      const node = nodeName === undefined ? undefined : nodes.find(nodeName);
      // A node that is gone took its directories along; a simulated one has none.
      if (!node || isSimulatedNode(node)) return;
      await client.deletePath(localVolumePath(node.metadata.name, name), signal).catch((error) => {
        if (!isNotFound(error)) throw error;
      });
    },
  };
}

/** @throws Error for what a directory can not be */
function checkClaim({ spec }: PersistentVolumeClaim): void {
  if (spec?.volumeMode === 'Block')
    throw new Error('a directory can not be a block device: volumeMode must be Filesystem');
  if (spec?.selector) throw new Error('claim.spec.selector is not supported: volumes are made, not found');
  const source = spec?.dataSourceRef ?? spec?.dataSource;
  if (source) throw new Error(`volumes can not be made from a ${source.kind}`);
}

/** For classes that bind at once: the one with the least name of those that take pods. */
function anyNode(nodes: readonly Node[]): Node | undefined {
  return nodes
    .filter(({ metadata, spec, status }) => {
      const isUsable = isConditionTrue(status?.conditions, 'Ready') && !spec?.unschedulable;
      return isUsable && metadata.annotations?.[localVolumesFolder] !== undefined;
    })
    .sort((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1))[0];
}

/** @throws Error when the node keeps no volumes */
function planVolume({ claim, storageClass, volumeName }: ProvisionRequest, { metadata }: Node): PersistentVolume {
  const folder = metadata.annotations?.[localVolumesFolder];
  if (folder === undefined) throw new Error(`node "${metadata.name}" keeps no local volumes`);
  const hostname = metadata.labels?.[hostnameLabel] ?? metadata.name;
  const onThisNode = { matchExpressions: [{ key: hostnameLabel, operator: 'In' as const, values: [hostname] }] };
  return {
    metadata: { name: volumeName },
    spec: {
      accessModes: claim.spec?.accessModes ?? ['ReadWriteOnce'],
      capacity: { storage: claim.spec?.resources?.requests?.['storage'] ?? '0' },
      local: { path: join(folder, volumeName) },
      nodeAffinity: { required: { nodeSelectorTerms: [onThisNode] } },
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      volumeMode: 'Filesystem',
      ...(storageClass.mountOptions ? { mountOptions: storageClass.mountOptions } : {}),
    },
  } as PersistentVolume;
}

function nodeOf(spec: PersistentVolume['spec']): string | undefined {
  const [term] = spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  return term?.matchExpressions?.find(({ key }) => key === hostnameLabel)?.values?.[0];
}
