// Has volumes attached to the nodes whose pods use them, and detached again. A key is a disk, as statuses of nodes name it. Volumes
// of a node itself, and of drivers that attach nothing, are not its business.
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../generated/core-v1.ts';
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
import { isManaged } from '../api/storage/attachable-volumes.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { AttachSync } from './attach-detach/attach-sync.ts';
import { createAttachers } from './attach-detach/attachers.ts';
import { attachmentsByVolume } from './attach-detach/csi-attacher.ts';
import { DetachWait, standingOf } from './attach-detach/detach-wait.ts';
import { DiskUsers, podsByDisk, volumesByDisk } from './attach-detach/disk-users.ts';
import { Placements } from './attach-detach/placements.ts';
import { byClaim, claimKeysOf } from './shared/pods-by-claim.ts';
import { indexByNode, podsOn } from './shared/pods-by-node.ts';

const attachmentsByNode = 'node';
const retryMs = 100;
const unseenMs = 1_000;

export const attachDetachController: ControllerDefinition = {
  name: 'persistentvolume-attach-detach',
  setup(context, queue) {
    const { client, informers } = context;
    const pods = informers.informer(podKind);
    const claims = informers.informer(persistentVolumeClaimKind);
    const volumes = informers.informer(persistentVolumeKind);
    const attachments = informers.informer(volumeAttachmentKind);
    const nodes = informers.informer(nodeKind);
    const drivers = informers.informer(csiDriverKind);
    const lookAgain = (disk: string) => queue.addAfter(disk, unseenMs);
    const attachers = createAttachers({ client, volumes, attachments, drivers, lookAgain });
    const users = new DiskUsers({ pods, claims, volumes, nodes }, attachers);
    const placements = new Placements();
    const detachWait = new DetachWait(nodes);

    const lookAt = (disks: readonly string[]) => {
      for (const disk of disks) queue.add(disk);
    };
    const ofVolume = (volume: PersistentVolume | undefined) => lookAt(volume ? users.ofVolume(volume) : []);
    const ofClaim = ({ spec }: PersistentVolumeClaim) => ofVolume(volumes.find(spec?.volumeName ?? ''));
    const ofPod = (pod: Pod) => pod.spec.nodeName && lookAt(users.ofPod(pod));
    const ofAttachment = ({ spec: { source, nodeName } }: VolumeAttachment) => {
      const volume = volumes.find(source.persistentVolumeName ?? '');
      if (volume) ofVolume(volume);
      else lookAt(placements.disksOn(nodeName));
    };
    const ofNode = ({ metadata: { name } }: Node) => {
      lookAt(placements.disksOn(name));
      attachments.byIndex(attachmentsByNode, name).forEach(ofAttachment);
    };
    attachments.addIndex(attachmentsByNode, ({ spec }) => [spec.nodeName]);
    attachments.addIndex(attachmentsByVolume, ({ spec: { source } }) =>
      source.persistentVolumeName ? [source.persistentVolumeName] : [],
    );
    pods.addIndex(byClaim, claimKeysOf);
    pods.addIndex(podsByDisk, (pod) => users.namedBy(pod));
    volumes.addIndex(volumesByDisk, (volume) => users.ofVolume(volume));
    indexByNode(pods);
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
    volumes.onChange({
      added: ofVolume,
      updated: (next, before) => next.spec?.claimRef?.uid !== before.spec?.claimRef?.uid && ofVolume(next),
      deleted: ofVolume,
    });
    attachments.onChange({ added: ofAttachment, updated: ofAttachment, deleted: ofAttachment });
    nodes.onChange({
      added(node) {
        detachWait.nodeCame(node);
        // After a restart, or a failover, this is all that is known of disks that have no other record.
        for (const { name } of node.status?.volumesAttached ?? [])
          if (users.attacherOf(name)) placements.of(name, node.metadata.name).isThere = true;
        ofNode(node);
        podsOn(pods, node.metadata.name).forEach(ofPod);
      },
      updated(next, before) {
        if (standingOf(next) !== standingOf(before)) ofNode(next);
        if (isManaged(next) !== isManaged(before)) podsOn(pods, next.metadata.name).forEach(ofPod);
      },
      deleted(node) {
        const { name } = node.metadata;
        const hasDisks = placements.disksOn(name).length > 0 || attachments.byIndex(attachmentsByNode, name).length > 0;
        if (hasDisks) detachWait.nodeGone(node);
        ofNode(node);
      },
    });
    const lookAfter = (disk: string, delayMs: number) => queue.addAfter(disk, delayMs);
    const sync = new AttachSync(context, { users, placements, detachWait, nodes, lookAfter });
    return {
      name: 'persistentvolume-attach-detach',
      async reconcile(disk, signal) {
        try {
          await sync.look(disk, signal);
        } catch (error) {
          if (!isConflict(error) && !isNotFound(error) && !isAlreadyExists(error)) throw error;
          queue.addAfter(disk, retryMs); // somebody else wrote in between
        }
      },
    };
  },
};
