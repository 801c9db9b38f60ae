// Volumes that must be attached to a node before its agent may mount them: what the controller that attaches them and the agents
// call them, in statuses of nodes and among VolumeAttachments.
import { createHash } from 'node:crypto';
import type { ISCSIVolumeSource, Node } from '../../../generated/core-v1.ts';

/** On nodes whose agents leave attaching to the controller. */
export const managedAnnotation = 'volumes.kubernetes.io/controller-managed-attach-detach';

export const isManaged = (node: Node | undefined): boolean =>
  node?.metadata.annotations?.[managedAnnotation] === 'true';

/** Names of volumes begin with that of their plugin. */
export const csiPrefix = 'kubernetes.io/csi/';
export const iscsiPrefix = 'kubernetes.io/iscsi/';

export const csiVolumeName = (driver: string, handle: string): string => `${csiPrefix}${driver}^${handle}`;

/** The portal as it is spelled, with a port or without. */
export const iscsiVolumeName = ({
  targetPortal,
  iqn,
  lun,
}: Pick<ISCSIVolumeSource, 'targetPortal' | 'iqn' | 'lun'>): string => `${iscsiPrefix}${targetPortal}:${iqn}:${lun}`;

/** The VolumeAttachment of a volume and a node, as drivers' attachers expect it. */
export const attachmentName = (handle: string, driver: string, nodeName: string): string =>
  `csi-${createHash('sha256').update(`${handle}${driver}${nodeName}`).digest('hex')}`;
