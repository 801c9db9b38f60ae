// Claims that no volume is there for: made by one of ours, or left to somebody who watches.
import type { PersistentVolume, PersistentVolumeClaim } from '../../../generated/core-v1.ts';
import { persistentVolumeKind } from '../../../generated/kinds.ts';
import type { StorageClass } from '../../../generated/storage-v1.ts';
import { claimClass, volumeAnnotations } from '../../api/core/volume-match.ts';
import { isAlreadyExists } from '../../api/meta/status-error.ts';
import type { Client } from '../../client/client.ts';
import type { Provisioner } from './provisioner.ts';
import type { Volumes } from './volumes.ts';

/** Makers that upstream once held itself, and the drivers that took their place. */
const migratedTo: ReadonlyMap<string, string> = new Map([
  ['kubernetes.io/aws-ebs', 'ebs.csi.aws.com'],
  ['kubernetes.io/azure-disk', 'disk.csi.azure.com'],
  ['kubernetes.io/azure-file', 'file.csi.azure.com'],
  ['kubernetes.io/cinder', 'cinder.csi.openstack.org'],
  ['kubernetes.io/gce-pd', 'pd.csi.storage.gke.io'],
  ['kubernetes.io/portworx-volume', 'pxd.portworx.com'],
  ['kubernetes.io/vsphere-volume', 'csi.vsphere.vmware.com'],
]);
const hostPath = 'kubernetes.io/host-path';

export class Provisioning {
  readonly #volumes: Volumes;
  readonly #client: Client;
  readonly #provisioners: ReadonlyMap<string, Provisioner>;

  constructor(volumes: Volumes, client: Client, provisioners: readonly Provisioner[]) {
    this.#volumes = volumes;
    this.#client = client;
    this.#provisioners = new Map(provisioners.map((each) => [each.name, each]));
  }

  async provision(claim: PersistentVolumeClaim, signal: AbortSignal): Promise<void> {
    const storageClass = this.#volumes.classOf(claim);
    if (!storageClass) {
      return this.#fail(claim, `storageclass.storage.k8s.io ${JSON.stringify(claimClass(claim))} not found`);
    }
    const name = migratedTo.get(storageClass.provisioner) ?? storageClass.provisioner;
    const provisioner = this.#provisioners.get(name);
    if (!provisioner && name === hostPath) {
      await this.#mark(claim, name);
      const why = `provisioning in volume plugin ${JSON.stringify(name)} is disabled`;
      return this.#fail(claim, `Failed to create provisioner: ${why}`);
    }
    if (!provisioner && name.startsWith('kubernetes.io/')) {
      return this.#fail(claim, `no volume plugin matched name: ${name}`);
    }
    const marked = await this.#mark(claim, name);
    if (provisioner) return this.#make(provisioner, marked, storageClass, signal);
    const message =
      `Waiting for a volume to be created either by the external provisioner '${name}' or manually by the system ` +
      'administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.';
    this.#volumes.tellClaim(marked, 'Normal', 'ExternalProvisioning', message);
  }

  #fail(claim: PersistentVolumeClaim, message: string): void {
    this.#volumes.tellClaim(claim, 'Warning', 'ProvisioningFailed', message);
  }

  /** Says whose turn it is. */
  async #mark(claim: PersistentVolumeClaim, name: string): Promise<PersistentVolumeClaim> {
    const { provisioner, betaProvisioner } = volumeAnnotations;
    const annotations = claim.metadata.annotations ?? {};
    if (annotations[provisioner] === name) return claim;
    const marks = { [provisioner]: name, [betaProvisioner]: name };
    return this.#volumes.updateClaim({
      ...claim,
      metadata: { ...claim.metadata, annotations: { ...annotations, ...marks } },
    });
  }

  async #make(
    provisioner: Provisioner,
    claim: PersistentVolumeClaim,
    storageClass: StorageClass,
    signal: AbortSignal,
  ): Promise<void> {
    const volumeName = `pvc-${claim.metadata.uid}`;
    if (this.#volumes.volumes.find(volumeName)) return;
    const nodeName = claim.metadata.annotations?.[volumeAnnotations.selectedNode];
    try {
      const request = { claim, storageClass, volumeName, ...(nodeName ? { nodeName } : {}) };
      const made = await provisioner.provision(request, signal);
      await this.#store(provisioner.name, made, claim);
    } catch (error) {
      if (signal.aborted) throw error;
      await this.#askForAnotherNode(claim);
      const name = JSON.stringify(storageClass.metadata.name);
      this.#fail(claim, `Failed to provision volume with StorageClass ${name}: ${(error as Error).message}`);
      throw error;
    }
    const message = `Successfully provisioned volume ${volumeName} using ${provisioner.name}`;
    this.#volumes.tellClaim(claim, 'Normal', 'ProvisioningSucceeded', message);
  }

  async #store(by: string, made: PersistentVolume, { metadata }: PersistentVolumeClaim): Promise<void> {
    const { provisionedBy, boundByController } = volumeAnnotations;
    const claimRef = {
      kind: 'PersistentVolumeClaim',
      apiVersion: 'v1',
      namespace: metadata.namespace!,
      name: metadata.name,
      uid: metadata.uid!,
      resourceVersion: metadata.resourceVersion!,
    };
    const annotations = { ...made.metadata.annotations, [provisionedBy]: by, [boundByController]: 'yes' };
    try {
      await this.#client.resource(persistentVolumeKind).create({
        ...made,
        metadata: { ...made.metadata, annotations },
        spec: { ...made.spec, claimRef } as NonNullable<PersistentVolume['spec']>,
      });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error; // an earlier try got further than it knew
    }
  }

  /** The scheduler chose this node for what turned out not to be possible there. */
  async #askForAnotherNode(claim: PersistentVolumeClaim): Promise<void> {
    const annotations = { ...claim.metadata.annotations };
    if (annotations[volumeAnnotations.selectedNode] === undefined) return;
    delete annotations[volumeAnnotations.selectedNode];
    await this.#volumes.updateClaim({ ...claim, metadata: { ...claim.metadata, annotations } });
  }
}
