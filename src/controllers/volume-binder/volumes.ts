// Reads and writes of claims and volumes: every write is seen by the next read.
import type { PersistentVolume, PersistentVolumeClaim } from '../../../generated/core-v1.ts';
import { persistentVolumeClaimKind, persistentVolumeKind } from '../../../generated/kinds.ts';
import type { StorageClass } from '../../../generated/storage-v1.ts';
import { boundVolume, claimClass, volumeAnnotations, volumeClass } from '../../api/core/volume-match.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { keyOf } from '../../api/meta/object.ts';
import type { Client } from '../../client/client.ts';
import type { EventRecorder } from '../../reconcile/controller.ts';
import type { Informer, Lister } from '../../reconcile/informer.ts';
import { WrittenCache } from './written-cache.ts';

type VolumePhase = NonNullable<NonNullable<PersistentVolume['status']>['phase']>;
type ClaimPhase = NonNullable<NonNullable<PersistentVolumeClaim['status']>['phase']>;

const byClass = 'binder-class';
const byHolder = 'binder-holder';

/** `namespace/name` of the claim a volume is kept for. */
export const holderKey = ({ spec }: PersistentVolume): string | undefined =>
  spec?.claimRef && `${spec.claimRef.namespace}/${spec.claimRef.name}`;

export interface VolumesOptions {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  readonly classes: Lister<StorageClass>;
}

export class Volumes {
  readonly claims: WrittenCache<PersistentVolumeClaim>;
  readonly volumes: WrittenCache<PersistentVolume>;
  readonly classes: Lister<StorageClass>;
  readonly #client: Client;
  readonly #recorder: EventRecorder;

  constructor({ client, recorder, claims, volumes, classes }: VolumesOptions) {
    volumes.addIndex(byClass, (volume) => [volumeClass(volume)]);
    volumes.addIndex(byHolder, (volume) => {
      const holder = holderKey(volume);
      return holder ? [holder] : [];
    });
    this.claims = new WrittenCache(claims);
    this.volumes = new WrittenCache(volumes);
    this.classes = classes;
    this.#client = client;
    this.#recorder = recorder;
  }

  /** Those of its class, and those kept for it whatever their class. */
  candidates(claim: PersistentVolumeClaim): PersistentVolume[] {
    const kept = this.volumes.byIndex(byHolder, keyOf(claim));
    const others = this.volumes.byIndex(byClass, claimClass(claim)).filter((volume) => !kept.includes(volume));
    return [...kept, ...others];
  }

  classOf(claim: PersistentVolumeClaim): StorageClass | undefined {
    const name = claimClass(claim);
    return name ? this.classes.find(name) : undefined;
  }

  tellClaim(claim: PersistentVolumeClaim, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#recorder.event({ ...claim, apiVersion: 'v1', kind: 'PersistentVolumeClaim' }, type, reason, message);
  }

  tellVolume(volume: PersistentVolume, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#recorder.event({ ...volume, apiVersion: 'v1', kind: 'PersistentVolume' }, type, reason, message);
  }

  async updateVolume(volume: PersistentVolume, subresource?: 'status'): Promise<PersistentVolume> {
    const options = subresource ? { subresource } : {};
    return this.volumes.wrote(await this.#client.resource(persistentVolumeKind).update(volume, options));
  }

  async updateClaim(claim: PersistentVolumeClaim, subresource?: 'status'): Promise<PersistentVolumeClaim> {
    const options = subresource ? { subresource } : {};
    return this.claims.wrote(await this.#client.resource(persistentVolumeClaimKind).update(claim, options));
  }

  async deleteVolume({ metadata }: PersistentVolume): Promise<void> {
    await this.#client
      .resource(persistentVolumeKind)
      .delete({ namespace: '', name: metadata.name }, { preconditions: { uid: metadata.uid! } });
  }

  /** Nothing is written when the volume is in that phase already. */
  async setPhase(volume: PersistentVolume, phase: VolumePhase, message = ''): Promise<PersistentVolume> {
    if (volume.status?.phase === phase) return volume;
    const { message: _old, ...status } = volume.status ?? {};
    return this.updateVolume({ ...volume, status: { ...status, phase, ...(message ? { message } : {}) } }, 'status');
  }

  /** Says why, once. */
  async fail(volume: PersistentVolume, reason: string, message: string): Promise<void> {
    if (volume.status?.phase === 'Failed') return;
    this.tellVolume(await this.setPhase(volume, 'Failed', message), 'Warning', reason, message);
  }

  /** `volume`: what the claim is bound to; absent: nothing, and what was said of it goes. */
  async setClaimPhase(
    claim: PersistentVolumeClaim,
    phase: ClaimPhase,
    volume?: PersistentVolume,
  ): Promise<PersistentVolumeClaim> {
    const status = claimStatus(claim, phase, volume);
    return isEqual(status, claim.status) ? claim : this.updateClaim({ ...claim, status }, 'status');
  }

  async loseClaim(claim: PersistentVolumeClaim, reason: string, message: string): Promise<void> {
    if (claim.status?.phase === 'Lost') return;
    this.tellClaim(await this.setClaimPhase(claim, 'Lost'), 'Warning', reason, message);
  }

  /** Volume first: whoever has the volume has it, and what is left of the binding can be done later. */
  async bind(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    const held = boundVolume(volume, claim);
    const bound = await this.setPhase(held ? await this.updateVolume(held) : volume, 'Bound');
    const next = boundClaim(claim, bound);
    await this.setClaimPhase(next ? await this.updateClaim(next) : claim, 'Bound', bound);
  }

  /** What the controller gave is taken back; what somebody kept stays kept, for any claim of that name. */
  async unbind(volume: PersistentVolume): Promise<void> {
    const next = structuredClone(volume);
    if (next.metadata.annotations?.[volumeAnnotations.boundByController] !== undefined) {
      delete next.spec!.claimRef;
      delete next.metadata.annotations[volumeAnnotations.boundByController];
    } else delete next.spec!.claimRef!.uid;
    await this.setPhase(await this.updateVolume(next), 'Available');
  }
}

function claimStatus(
  { status = {} }: PersistentVolumeClaim,
  phase: ClaimPhase,
  volume: PersistentVolume | undefined,
): NonNullable<PersistentVolumeClaim['status']> {
  const {
    accessModes: _modes,
    capacity,
    currentVolumeAttributesClassName: attributes,
    ...rest
  } = status as NonNullable<PersistentVolumeClaim['status']>;
  if (!volume?.spec) return { ...rest, phase };
  const isNew = status.phase !== phase;
  // The size of a bound claim is what its file system has: that is the node's to say.
  const size = isNew ? volume.spec.capacity : capacity;
  const attributesClass = isNew && status.phase === 'Pending' ? volume.spec.volumeAttributesClassName : attributes;
  return {
    ...rest,
    phase,
    ...(volume.spec.accessModes ? { accessModes: volume.spec.accessModes } : {}),
    ...(size ? { capacity: size } : {}),
    ...(attributesClass ? { currentVolumeAttributesClassName: attributesClass } : {}),
  };
}

/** The claim as it is when it has the volume; undefined: it is so already. */
function boundClaim(claim: PersistentVolumeClaim, { metadata }: PersistentVolume): PersistentVolumeClaim | undefined {
  const annotations = claim.metadata.annotations ?? {};
  const isNamed = claim.spec?.volumeName === metadata.name;
  if (isNamed && annotations[volumeAnnotations.bindCompleted] !== undefined) return undefined;
  const ours = isNamed ? {} : { [volumeAnnotations.boundByController]: 'yes' };
  return {
    ...claim,
    metadata: {
      ...claim.metadata,
      annotations: { ...ours, ...annotations, [volumeAnnotations.bindCompleted]: 'yes' },
    },
    spec: { ...claim.spec, volumeName: metadata.name } as NonNullable<PersistentVolumeClaim['spec']>,
  };
}
