import type { PersistentVolumeClaim, Pod, Volume } from '../../generated/core-v1.ts';
import { persistentVolumeClaimKind, podKind } from '../../generated/kinds.ts';
import { ephemeralClaimName, whyNotThePods } from '../api/core/ephemeral-claims.ts';
import { keyOf } from '../api/meta/object.ts';
import { about } from '../reconcile/about.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { byClaim, claimKeysOf } from './shared/pods-by-claim.ts';

/** Makes the claims of ephemeral volumes, which go with their pod. */
export const ephemeralVolumeController: ControllerDefinition = {
  name: 'ephemeral-volume-controller',
  setup({ client, informers, recorder }, queue) {
    const pods = informers.informer(podKind);
    const claims = informers.informer(persistentVolumeClaimKind);
    const events = recorder('ephemeral_volume');
    const look = (pod: Pod) => {
      if (!pod.metadata.deletionTimestamp && pod.spec.volumes?.some(({ ephemeral }) => ephemeral))
        queue.add(keyOf(pod));
    };
    pods.addIndex(byClaim, claimKeysOf);
    // What a pod asks for does not change.
    pods.onChange({ added: look });
    claims.onChange({ deleted: (claim) => pods.byIndex(byClaim, keyOf(claim)).forEach(look) });

    async function ensure(pod: Pod, volume: Volume): Promise<void> {
      const namespace = pod.metadata.namespace!;
      const name = ephemeralClaimName(pod, volume);
      const claim = claims.find(`${namespace}/${name}`);
      const problem = claim && whyNotThePods(pod, claim);
      if (problem) throw new Error(problem);
      if (claim) return;
      try {
        await client.resource(persistentVolumeClaimKind).create(claimOf(pod, volume, name));
      } catch (error) {
        throw new Error(`create PVC ${name}: ${(error as Error).message}`, { cause: error });
      }
    }

    return {
      name: 'ephemeral-volume-controller',
      async reconcile(key) {
        const pod = pods.find(key);
        if (!pod || pod.metadata.deletionTimestamp) return;
        for (const volume of pod.spec.volumes ?? []) {
          if (!volume.ephemeral) continue;
          try {
            await ensure(pod, volume);
          } catch (error) {
            const message = `ephemeral volume ${volume.name}: ${(error as Error).message}`;
            events.event(about(podKind, pod), 'Warning', 'FailedBinding', message);
            throw error;
          }
        }
      },
    };
  },
};

function claimOf({ metadata }: Pod, { ephemeral }: Volume, name: string): PersistentVolumeClaim {
  const { metadata: { annotations, labels } = {}, spec } = ephemeral!.volumeClaimTemplate!;
  const owner = { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid! };
  return {
    metadata: {
      name,
      namespace: metadata.namespace!,
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
      ...(annotations ? { annotations } : {}),
      ...(labels ? { labels } : {}),
    },
    spec,
  };
}
