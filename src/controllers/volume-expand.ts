import type { PersistentVolume, PersistentVolumeClaim } from '../../generated/core-v1.ts';
import { persistentVolumeClaimKind, persistentVolumeKind } from '../../generated/kinds.ts';
import { localVolumeProvisioner } from '../api/core/local-volumes.ts';
import { volumeAnnotations } from '../api/core/volume-match.ts';
import { keyOf } from '../api/meta/object.ts';
import { unitsOf } from '../api/meta/quantity.ts';
import { about } from '../reconcile/about.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';

/** Has volumes grow with what their claims ask for: directories by a word, all others by whoever made them. */
export const volumeExpandController: ControllerDefinition = {
  name: 'persistentvolume-expander',
  setup({ client, informers, recorder }, queue) {
    const claims = informers.informer(persistentVolumeClaimKind);
    const volumes = informers.informer(persistentVolumeKind);
    const events = recorder('volume_expand');
    claims.onChange({
      added: (claim) => wantsMore(claim) && queue.add(keyOf(claim)),
      updated: (claim, before) =>
        (asked(claim) !== asked(before) || claim.spec?.volumeName !== before.spec?.volumeName) &&
        wantsMore(claim) &&
        queue.add(keyOf(claim)),
    });
    return {
      name: 'persistentvolume-expander',
      async reconcile(key) {
        const claim = claims.find(key);
        if (!claim || !wantsMore(claim)) return;
        const name = claim.spec!.volumeName!;
        const volume = volumes.find(name);
        if (!volume) throw new Error(`failed to get PV "${name}": persistentvolumes "${name}" not found`);
        if (volume.spec?.claimRef?.uid !== claim.metadata.uid)
          throw new Error(`persistent Volume is not bound to PVC being updated : ${key}`);
        if (!isDirectory(volume)) {
          const message = 'waiting for an external controller to expand this PVC';
          return events.event(about(persistentVolumeClaimKind, claim), 'Normal', 'ExternalExpanding', message);
        }
        const capacity = { storage: asked(claim)! };
        if (unitsOf(volume.spec.capacity?.['storage']) < unitsOf(capacity.storage))
          await client
            .resource(persistentVolumeKind)
            .patch({ namespace: '', name }, { spec: { capacity } }, { type: 'merge' });
        const own = { namespace: claim.metadata.namespace!, name: claim.metadata.name };
        await client
          .resource(persistentVolumeClaimKind)
          .patch(own, { status: { capacity } }, { type: 'merge', subresource: 'status' });
        const message = `Volume ${name} has grown to ${capacity.storage}`;
        events.event(about(persistentVolumeClaimKind, claim), 'Normal', 'VolumeResizeSuccessful', message);
      },
    };
  },
};

const asked = ({ spec }: PersistentVolumeClaim) => spec?.resources?.requests?.['storage'];

/** Bound, and asks for more than it has. */
const wantsMore = (claim: PersistentVolumeClaim) =>
  claim.spec?.volumeName !== undefined &&
  claim.status?.phase === 'Bound' &&
  unitsOf(asked(claim)) > unitsOf(claim.status.capacity?.['storage']);

const isDirectory = ({ metadata }: PersistentVolume) =>
  metadata.annotations?.[volumeAnnotations.provisionedBy] === localVolumeProvisioner;
