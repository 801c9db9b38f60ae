// Drivers say on a node's CSINode how many volumes they can attach there: no more pods with volumes than that.
import type { CSINode } from '../../../generated/storage-v1.ts';
import { AttachableVolumes, type Attached, attachedName } from '../csi-volumes.ts';
import type { NodeView } from '../node-cache.ts';
import {
  accepted,
  type Change,
  type NodeFilterPlugin,
  type Refusal,
  refused,
  refusedForGood,
  type Storage,
} from '../plugin.ts';
import type { PodView } from '../pod-view.ts';
import { noVolumes, usesClaim } from '../pod-volumes.ts';

const tooMany = refused('node(s) exceed max volume count');

export const nodeVolumeLimits: NodeFilterPlugin = {
  name: 'NodeVolumeLimits',
  wokenBy: ['volumes', 'pod-gone', 'node-added'],
  isOfClaims: true,
  helps: (pod, change) => mayMakeRoom(change, pod),
  prepare(pod, { storage }) {
    if (!storage || pod.volumes === noVolumes) return undefined;
    return (node) => whyNot(pod, node, storage);
  },
};

function whyNot(pod: PodView, node: NodeView, storage: Storage): readonly Refusal[] {
  const csiNode = storage.csiNode?.(node.name);
  const attachable = new AttachableVolumes(storage, csiNode !== undefined);
  const wanted: Attached = new Map();
  const missing = attachable.add(pod.volumes, pod.namespace, wanted);
  if (missing)
    return refusedForGood(`looking up PVC ${missing.key}: persistentvolumeclaim "${missing.name}" not found`);
  const limits = limitsOf(csiNode);
  if (wanted.size === 0 || limits.size === 0) return accepted;
  const there = attachedTo(node, attachable, storage);
  for (const [driver, limit] of limits) {
    const more = countOf(driver, wanted, (name) => !there.has(name));
    if (more > 0 && countOf(driver, there) + more > limit) return tooMany;
  }
  return accepted;
}

/** What the node's pods use, and what is attached to it although no pod uses it (any more). */
function attachedTo(node: NodeView, attachable: AttachableVolumes, storage: Storage): Attached {
  const there: Attached = new Map();
  for (const other of node.pods.values()) {
    if (other.volumes !== noVolumes) attachable.add(other.volumes, other.namespace, there);
  }
  for (const { spec } of storage.attachmentsTo?.(node.name) ?? []) {
    const csi = storage.volume(spec.source.persistentVolumeName ?? '')?.spec?.csi;
    if (csi && spec.attacher) there.set(attachedName(spec.attacher, csi.volumeHandle), spec.attacher);
  }
  return there;
}

function countOf(driver: string, volumes: Attached, isCounted: (name: string) => boolean = () => true): number {
  let count = 0;
  for (const [name, of] of volumes) if (of === driver && isCounted(name)) count++;
  return count;
}

/** By driver; one without a limit is not here. */
function limitsOf(csiNode: CSINode | undefined): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  for (const { name, allocatable } of csiNode?.spec.drivers ?? []) {
    if (allocatable?.count !== undefined) limits.set(name, allocatable.count);
  }
  return limits;
}

function mayMakeRoom({ type, pod: gone, stored }: Change, pod: PodView): boolean {
  if (type === 'pod-gone') return gone === undefined || gone.volumes !== noVolumes;
  if (stored?.kind === 'claim') return usesClaim(pod.volumes, stored.key);
  if (stored?.kind === 'csi-node') return isRaised(stored.object, stored.previous);
  return stored === undefined || stored.kind === 'attachment';
}

function isRaised(csiNode: CSINode, previous: CSINode | undefined): boolean {
  if (!previous) return true;
  const before = limitsOf(previous);
  return [...limitsOf(csiNode)].some(([driver, limit]) => limit > (before.get(driver) ?? 0));
}
