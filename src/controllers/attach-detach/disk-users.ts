// Which pods use a disk, on which nodes: by claims bound to volumes that are on it, or because they name it themselves.
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../../generated/core-v1.ts';
import { isFinished } from '../../api/core/pod-phase.ts';
import { isManaged } from '../../api/storage/attachable-volumes.ts';
import type { Lister } from '../../reconcile/informer.ts';
import { byClaim, claimKeysOf } from '../shared/pods-by-claim.ts';
import { type AttachableVolume, type Attacher, isExclusive } from './attacher.ts';

export const volumesByDisk = 'disk';
export const podsByDisk = 'disk';

export interface DiskObjects {
  readonly pods: Lister<Pod>;
  readonly claims: Lister<PersistentVolumeClaim>;
  readonly volumes: Lister<PersistentVolume>;
  readonly nodes: Lister<Node>;
}

/** Of one node. */
export interface DiskUse {
  /** As the first of the pods has it. */
  readonly volume: AttachableVolume;
  readonly pods: Pod[];
}

export class DiskUsers {
  readonly #objects: DiskObjects;
  readonly #attachers: readonly Attacher[];

  constructor(objects: DiskObjects, attachers: readonly Attacher[]) {
    this.#objects = objects;
    this.#attachers = attachers;
  }

  attacherOf(disk: string): Attacher | undefined {
    return this.#attachers.find(({ prefix }) => disk.startsWith(prefix));
  }

  ofVolume({ spec }: PersistentVolume): readonly string[] {
    for (const attacher of this.#attachers) {
      const disk = spec && attacher.ofPersistent(spec);
      if (disk) return [disk];
    }
    return [];
  }

  /** Those that it names itself. */
  namedBy({ spec }: Pod): readonly string[] {
    return (spec.volumes ?? []).flatMap((volume) =>
      this.#attachers.flatMap((attacher) => attacher.ofPod?.(volume) ?? []),
    );
  }

  ofPod(pod: Pod): readonly string[] {
    const { claims, volumes } = this.#objects;
    const bound = claimKeysOf(pod).map((key) => volumes.find(claims.find(key)?.spec?.volumeName ?? ''));
    return [...this.namedBy(pod), ...bound.flatMap((volume) => (volume ? this.ofVolume(volume) : []))];
  }

  /** By node; those whose agents attach by themselves are not among them. */
  byNode(disk: string): Map<string, DiskUse> {
    const uses = new Map<string, DiskUse>();
    if (!this.attacherOf(disk)?.attaches(disk)) return uses;
    const add = (pod: Pod, volume: AttachableVolume): void => {
      const { nodeName } = pod.spec;
      if (!nodeName || isFinished(pod) || !isManaged(this.#objects.nodes.find(nodeName))) return;
      const use = uses.get(nodeName);
      if (!use) uses.set(nodeName, { volume, pods: [pod] });
      else if (!use.pods.includes(pod)) use.pods.push(pod);
    };
    for (const persistent of this.#objects.volumes.byIndex(volumesByDisk, disk)) {
      const { name } = persistent.metadata;
      const volume = { disk, name, isExclusive: isExclusive(persistent), persistent };
      for (const pod of this.#podsWith(persistent)) add(pod, volume);
    }
    for (const pod of this.#objects.pods.byIndex(podsByDisk, disk))
      add(pod, { disk, name: this.#nameIn(pod, disk), isExclusive: false });
    return uses;
  }

  #podsWith({ spec }: PersistentVolume): readonly Pod[] {
    const { namespace, name, uid } = spec?.claimRef ?? {};
    const key = `${namespace}/${name}`;
    const claim = this.#objects.claims.find(key);
    // Another claim of that name has another volume.
    if (claim && claim.metadata.uid !== uid) return [];
    return this.#objects.pods.byIndex(byClaim, key);
  }

  #nameIn(pod: Pod, disk: string): string {
    const attacher = this.attacherOf(disk);
    return (pod.spec.volumes ?? []).find((volume) => attacher?.ofPod?.(volume) === disk)?.name ?? '';
  }
}
