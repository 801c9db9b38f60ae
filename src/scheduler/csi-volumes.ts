// Which volumes a pod has attached to its node, and by which CSI driver.
import type { PersistentVolumeClaim, PersistentVolumeSpec, Volume } from '../../generated/core-v1.ts';
import { claimClass } from '../api/core/volume-match.ts';
import { keyOf } from '../api/meta/object.ts';
import type { Storage } from './plugin.ts';
import type { ClaimUse, PodVolumes } from './pod-volumes.ts';

/** Volume → name of the driver that attaches it. */
export type Attached = Map<string, string>;

/** Provisioners of old, and the drivers that do their work where a node has drivers at all. */
const successors: Readonly<Record<string, string>> = {
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com',
  'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io',
  'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/cinder': 'cinder.csi.openstack.org',
  'kubernetes.io/portworx-volume': 'pxd.portworx.com',
};

type DiskSource = Pick<
  Volume & PersistentVolumeSpec,
  'awsElasticBlockStore' | 'gcePersistentDisk' | 'azureDisk' | 'cinder' | 'portworxVolume'
>;

/** The provisioner and the name of a disk that is named outright. */
function diskOf(source: DiskSource): readonly [provisioner: string, name: string] | undefined {
  const { awsElasticBlockStore: ebs, gcePersistentDisk: gce, azureDisk, cinder, portworxVolume } = source;
  if (ebs) return ['kubernetes.io/aws-ebs', ebs.volumeID];
  if (gce) return ['kubernetes.io/gce-pd', gce.pdName];
  if (azureDisk) return ['kubernetes.io/azure-disk', azureDisk.diskURI];
  if (cinder) return ['kubernetes.io/cinder', cinder.volumeID];
  return portworxVolume && ['kubernetes.io/portworx-volume', portworxVolume.volumeID];
}

/** Volumes that count against the limits of a node's drivers. */
export class AttachableVolumes {
  readonly #storage: Storage;
  readonly #hasDrivers: boolean;

  /** @param hasDrivers whether the node has a CSINode: old kinds of disks count there too */
  constructor(storage: Storage, hasDrivers: boolean) {
    this.#storage = storage;
    this.#hasDrivers = hasDrivers;
  }

  /** Adds the pod's. Gives a claim that is not there, if there is one. */
  add(volumes: PodVolumes, namespace: string, into: Attached): ClaimUse | undefined {
    let missing: ClaimUse | undefined;
    for (const use of volumes.claims) {
      const claim = this.#storage.claim(namespace, use.name);
      if (claim) this.#addClaim(claim, into);
      else missing ??= use;
    }
    for (const disk of volumes.disks) this.#addDisk(disk, into);
    return missing;
  }

  #addClaim(claim: PersistentVolumeClaim, into: Attached): void {
    const volume = this.#storage.volume(claim.spec?.volumeName ?? '');
    if (!volume?.spec) this.#addUnbound(claim, into);
    else if (volume.spec.csi) addTo(into, volume.spec.csi.driver, volume.spec.csi.volumeHandle);
    else this.#addDisk(volume.spec, into);
  }

  /** It will be of the provisioner of its class. */
  #addUnbound(claim: PersistentVolumeClaim, into: Attached): void {
    const provisioner = this.#storage.storageClass(claimClass(claim))?.provisioner;
    if (!provisioner) return;
    const driver = successors[provisioner];
    if (!driver) addTo(into, provisioner, `of claim ${keyOf(claim)}`);
    else if (this.#hasDrivers) addTo(into, driver, `of claim ${keyOf(claim)}`);
  }

  #addDisk(source: DiskSource, into: Attached): void {
    const disk = this.#hasDrivers ? diskOf(source) : undefined;
    if (disk) addTo(into, successors[disk[0]]!, disk[1]);
  }
}

export const attachedName = (driver: string, handle: string) => `${driver}/${handle}`;

function addTo(into: Attached, driver: string, handle: string): void {
  into.set(attachedName(driver, handle), driver);
}
