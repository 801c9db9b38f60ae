// Claims of a StatefulSet's pods: made before the pod, kept when it goes, unless the set's retention policy names who
// takes them along: the set, or the pod that was scaled away.
import type { StatefulSet } from '../../../generated/apps-v1.ts';
import type { PersistentVolumeClaim, Pod } from '../../../generated/core-v1.ts';
import { persistentVolumeClaimKind, podKind, statefulSetKind } from '../../../generated/kinds.ts';
import type { OwnerReference } from '../../../generated/meta-v1.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { controllerOf, controllerReference } from '../../api/meta/owner-references.ts';
import { isAlreadyExists, isNotFound } from '../../api/meta/status-error.ts';
import type { Client } from '../../client/client.ts';
import { about } from '../../reconcile/about.ts';
import type { EventRecorder } from '../../reconcile/controller.ts';
import type { Lister } from '../../reconcile/informer.ts';
import { claimsOf, endOf, ordinalOf, podNameOf, startOf } from './stateful-pod.ts';

export interface ClaimControlOptions {
  readonly client: Client;
  readonly claims: Lister<PersistentVolumeClaim>;
  readonly recorder: EventRecorder;
}

export class ClaimControl {
  readonly #options: ClaimControlOptions;

  constructor(options: ClaimControlOptions) {
    this.#options = options;
  }

  #find({ metadata }: PersistentVolumeClaim): PersistentVolumeClaim | undefined {
    return this.#options.claims.find(`${metadata.namespace}/${metadata.name}`);
  }

  /** A claim still belongs to the last pod of that name, and will go with it. */
  hasStale(set: StatefulSet, ordinal: number): boolean {
    if (set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete') return false;
    return claimsIn(set, ordinal).some((claim) =>
      this.#find(claim)?.metadata.ownerReferences?.some(
        ({ kind, name }) => kind === 'Pod' && name === podNameOf(set, ordinal),
      ),
    );
  }

  async createMissing(set: StatefulSet, ordinal: number): Promise<void> {
    for (const claim of claimsIn(set, ordinal)) {
      const known = this.#find(claim);
      if (known?.metadata.deletionTimestamp) throw new Error(`pvc ${claim.metadata.name} is being deleted`);
      if (!known) await this.#create(set, ordinal, claim);
    }
  }

  async #create(set: StatefulSet, ordinal: number, claim: PersistentVolumeClaim): Promise<void> {
    const { client, recorder } = this.#options;
    const where = `Claim ${claim.metadata.name} Pod ${podNameOf(set, ordinal)} in StatefulSet ${set.metadata.name}`;
    try {
      const { whenDeleted } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
      const owners = whenDeleted === 'Delete' ? { ownerReferences: [controllerReference(set, statefulSetKind)] } : {};
      await client.resource(persistentVolumeClaimKind).create({ ...claim, metadata: { ...claim.metadata, ...owners } });
      recorder.event(about(statefulSetKind, set), 'Normal', 'SuccessfulCreate', `Create ${where} success`);
    } catch (error) {
      if (isAlreadyExists(error)) return;
      const { message } = error as Error;
      const text = `Create ${where} failed error: ${message}`.replace(' Pod ', ' for Pod ');
      recorder.event(about(statefulSetKind, set), 'Warning', 'FailedCreate', text);
      throw new Error(`failed to create PVC ${claim.metadata.name}: ${message}`, { cause: error });
    }
  }

  /** Sees to it that the claims are owned by whom the retention policy says. Gives whether one was not. */
  async retain(set: StatefulSet, pod: Pod): Promise<boolean> {
    let hasChanged = false;
    for (const claim of claimsIn(set, ordinalOf(set, pod) ?? 0)) {
      const known = this.#find(claim);
      const owners = known && planClaimOwners(set, pod, known);
      if (!known || !owners || isEqual(owners, known.metadata.ownerReferences)) continue;
      const { ownerReferences: _, ...metadata } = known.metadata;
      try {
        const next = { ...known, metadata: { ...metadata, ...(owners.length > 0 ? { ownerReferences: owners } : {}) } };
        await this.#options.client.resource(persistentVolumeClaimKind).update(next);
        hasChanged = true;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    return hasChanged;
  }
}

const claimsIn = (set: StatefulSet, ordinal: number) => [...claimsOf(set, ordinal).values()];

/** The claim's owners by the set's policy; undefined where somebody else controls it. */
export function planClaimOwners(
  set: StatefulSet,
  pod: Pod,
  claim: PersistentVolumeClaim,
): OwnerReference[] | undefined {
  const references = claim.metadata.ownerReferences ?? [];
  const isOurs = ({ kind, name }: OwnerReference) =>
    (kind === 'Pod' && name === pod.metadata.name) || (kind === 'StatefulSet' && name === set.metadata.name);
  const controller = controllerOf(claim);
  if (controller && !isOurs(controller)) return undefined;
  const others = references.filter((reference) => !isOurs(reference));
  const { whenScaled, whenDeleted } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const ordinal = ordinalOf(set, pod) ?? -1;
  const isScaledAway = ordinal < startOf(set) || ordinal >= endOf(set);
  if (whenScaled === 'Delete' && isScaledAway) return [...others, controllerReference(pod, podKind)];
  const goesWithSet = whenDeleted === 'Delete' && !isScaledAway;
  const staysWithSet = whenDeleted === 'Delete' && whenScaled !== 'Delete';
  return goesWithSet || staysWithSet ? [...others, controllerReference(set, statefulSetKind)] : others;
}
