import type { PersistentVolumeClaim, Pod } from '../../generated/core-v1.ts';
import { persistentVolumeClaimKind, podKind } from '../../generated/kinds.ts';
import { isFinished } from '../api/core/pod-phase.ts';
import { keyOf } from '../api/meta/object.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { byClaim, claimKeysOf } from './shared/pods-by-claim.ts';
import { addFinalizer, removeFinalizer } from './shared/remove-finalizer.ts';

const finalizer = 'kubernetes.io/pvc-protection';

/** Lets a deleted claim go once no pod that may still run uses it. Admission puts the finalizer on; who takes it away gets it back. */
export const pvcProtectionController: ControllerDefinition = {
  name: 'pvc-protection',
  setup({ client, informers }, queue) {
    const claims = informers.informer(persistentVolumeClaimKind);
    const pods = informers.informer(podKind);
    pods.addIndex(byClaim, claimKeysOf);
    const addClaim = (claim: PersistentVolumeClaim) => (isWaiting(claim) || isBare(claim)) && queue.add(keyOf(claim));
    const addClaimsOf = (pod: Pod) => {
      for (const key of claimKeysOf(pod)) {
        const claim = claims.find(key);
        if (claim) addClaim(claim);
      }
    };
    claims.onChange({ added: addClaim, updated: addClaim });
    pods.onChange({ updated: (pod) => isFinished(pod) && addClaimsOf(pod), deleted: addClaimsOf });
    return {
      name: 'pvc-protection',
      async reconcile(key) {
        const claim = claims.find(key);
        if (!claim) return;
        if (isBare(claim)) return addFinalizer(client, persistentVolumeClaimKind, claim, finalizer);
        if (!isWaiting(claim)) return;
        const isUsed = pods.byIndex(byClaim, key).some((pod) => !isFinished(pod));
        if (!isUsed) await removeFinalizer(client, persistentVolumeClaimKind, claim, finalizer);
      },
    };
  },
};

const isWaiting = ({ metadata }: PersistentVolumeClaim) =>
  metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(finalizer);

const isBare = ({ metadata }: PersistentVolumeClaim) =>
  metadata.deletionTimestamp === undefined && !(metadata.finalizers ?? []).includes(finalizer);
