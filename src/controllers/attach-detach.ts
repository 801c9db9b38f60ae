// Has volumes attached to the nodes whose pods use them, and detached again: by VolumeAttachments, which the driver's attacher
// acts on. Volumes of a node itself, and of drivers that attach nothing, are not its business.
import type { Node, PersistentVolumeClaim, Pod } from '../../generated/core-v1.ts';
import {
  csiDriverKind,
  nodeKind,
  persistentVolumeClaimKind,
  persistentVolumeKind,
  podKind,
  volumeAttachmentKind,
} from '../../generated/kinds.ts';
import type { VolumeAttachment } from '../../generated/storage-v1.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../api/meta/status-error.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { AttachSync, attachmentsByNode, attachmentsByVolume } from './attach-detach/attach-sync.ts';
import { byClaim, claimKeysOf } from './shared/pods-by-claim.ts';

export const attachDetachController: ControllerDefinition = {
  name: 'persistentvolume-attach-detach',
  setup(context, queue) {
    const { informers } = context;
    const pods = informers.informer(podKind);
    const claims = informers.informer(persistentVolumeClaimKind);
    const volumes = informers.informer(persistentVolumeKind);
    const attachments = informers.informer(volumeAttachmentKind);
    const nodes = informers.informer(nodeKind);
    const drivers = informers.informer(csiDriverKind);
    const lookAt = (volumeName: string | undefined) => {
      if (volumeName !== undefined && volumes.find(volumeName)?.spec?.csi) queue.add(volumeName);
    };
    const ofClaim = (claim: PersistentVolumeClaim) => lookAt(claim.spec?.volumeName);
    const ofPod = (pod: Pod) => {
      if (!pod.spec.nodeName) return;
      for (const key of claimKeysOf(pod)) lookAt(claims.find(key)?.spec?.volumeName);
    };
    const ofAttachment = ({ spec }: VolumeAttachment) => lookAt(spec.source.persistentVolumeName);
    const ofNode = ({ metadata }: Node) => attachments.byIndex(attachmentsByNode, metadata.name).forEach(ofAttachment);
    attachments.addIndex(attachmentsByNode, ({ spec }) => [spec.nodeName]);
    attachments.addIndex(attachmentsByVolume, ({ spec: { source } }) =>
      source.persistentVolumeName ? [source.persistentVolumeName] : [],
    );
    pods.addIndex(byClaim, claimKeysOf);
    pods.onChange({
      added: ofPod,
      updated: (next, before) => {
        if (next.spec.nodeName !== before.spec.nodeName || next.status?.phase !== before.status?.phase) ofPod(next);
      },
      deleted: ofPod,
    });
    claims.onChange({
      added: ofClaim,
      updated: (next, before) => next.spec?.volumeName !== before.spec?.volumeName && ofClaim(next),
    });
    volumes.onChange({ added: ({ metadata }) => lookAt(metadata.name) });
    attachments.onChange({ added: ofAttachment, updated: ofAttachment, deleted: ofAttachment });
    nodes.onChange({
      updated: (next, before) =>
        next.status?.volumesInUse?.join() !== before.status?.volumesInUse?.join() && ofNode(next),
      deleted: ofNode,
    });
    const sync = new AttachSync(context, { pods, volumes, attachments, nodes, drivers });
    return {
      name: 'persistentvolume-attach-detach',
      async reconcile(name, signal) {
        const volume = volumes.find(name);
        try {
          if (volume?.spec?.csi) await sync.look(volume, signal);
        } catch (error) {
          if (!isConflict(error) && !isNotFound(error) && !isAlreadyExists(error)) throw error;
          queue.addAfter(name, 100); // somebody else wrote in between
        }
      },
    };
  },
};
