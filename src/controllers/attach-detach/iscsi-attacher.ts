import { iscsiPrefix, iscsiVolumeName } from '../../api/storage/attachable-volumes.ts';
import type { Attacher } from './attacher.ts';

/** Disks of iSCSI targets. Nodes log in to them by themselves, so that to attach one is to say which node may. */
export const iscsiAttacher: Attacher = {
  prefix: iscsiPrefix,
  ofPersistent: ({ iscsi }) => iscsi && iscsiVolumeName(iscsi),
  ofPod: ({ iscsi }) => iscsi && iscsiVolumeName(iscsi),
  attaches: () => true,
  nodesWith: () => [],
  attach: async () => ({ isAttached: true }),
  detach: async () => true,
};
