// Who a claim is reserved for: pods that are done no longer count, and the last of them gives the devices back.
import type { Pod } from '../../../generated/core-v1.ts';
import { podKind, resourceClaimKind } from '../../../generated/kinds.ts';
import type { ResourceClaim, ResourceClaimConsumerReference } from '../../../generated/resource-v1.ts';
import { keyOf, splitKey } from '../../api/meta/object.ts';
import { isConflict, isNotFound } from '../../api/meta/status-error.ts';
import { claimFinalizer, claimNameOf, consumerOf, isReservedFor, whyNotOwned } from '../../api/resource/pod-claims.ts';
import type { ControllerContext } from '../../reconcile/controller.ts';
import type { ClaimWorld } from './claim-maker.ts';
import { isDone } from './consumers.ts';

export class ClaimKeeper {
  readonly #context: ControllerContext;
  readonly #world: ClaimWorld;

  constructor(context: ControllerContext, world: ClaimWorld) {
    this.#context = context;
    this.#world = world;
  }

  get #claims() {
    return this.#context.client.resource(resourceClaimKind);
  }

  /** Reserves the claims of a pod that was given its node without the scheduler. */
  async reserveFor(pod: Pod, signal: AbortSignal): Promise<void> {
    for (const entry of pod.spec.resourceClaims ?? []) {
      const found = claimNameOf(pod, entry);
      if ('problem' in found) return;
      if ('isUnneeded' in found) continue;
      const claim = this.#world.claims.find(`${pod.metadata.namespace}/${found.name}`);
      if (!claim) return;
      if (found.mustBeOwned && whyNotOwned(pod, claim)) throw new Error(whyNotOwned(pod, claim));
      if (!claim.status?.allocation || isReservedFor(pod, claim)) continue;
      const reservedFor = [...(claim.status.reservedFor ?? []), consumerOf(pod)];
      await this.#claims.update(
        { ...claim, status: { ...claim.status, reservedFor } },
        { subresource: 'status', signal },
      );
    }
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const claim = this.#world.claims.find(key);
    if (!claim) return;
    const consumers = claim.status?.reservedFor ?? [];
    const remaining: ResourceClaimConsumerReference[] = [];
    for (const each of consumers) if (await this.#isKept(claim, each, signal)) remaining.push(each);
    try {
      await this.#giveBack(claim, remaining, signal);
      if (remaining.length === 0) await this.#deleteUnneeded(claim, signal);
    } catch (error) {
      // What has changed comes back as an event.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }

  /** Consumers that are no pods are somebody else's. */
  async #isKept(claim: ResourceClaim, consumer: ResourceClaimConsumerReference, signal: AbortSignal): Promise<boolean> {
    if (consumer.apiGroup || consumer.resource !== 'pods') return true;
    if (this.#world.gone.has(consumer.uid)) return false;
    const key = `${claim.metadata.namespace}/${consumer.name}`;
    const seen = this.#world.pods.find(key);
    // The cache may lag behind a pod that is being bound right now.
    const pod = seen ?? (await this.#context.client.resource(podKind).find(splitKey(key), { signal }));
    return pod !== undefined && pod.metadata.uid === consumer.uid && !(seen && isDone(seen));
  }

  async #giveBack(
    claim: ResourceClaim,
    remaining: readonly ResourceClaimConsumerReference[],
    signal: AbortSignal,
  ): Promise<void> {
    const { reservedFor = [], allocation } = claim.status ?? {};
    const isHeld = claim.metadata.finalizers?.includes(claimFinalizer) ?? false;
    const isUnused = remaining.length === 0;
    let current = claim;
    if (remaining.length < reservedFor.length) {
      current = await this.#write(claim, remaining, isUnused && isHeld, signal);
      if (current.status?.allocation) return;
    } else if (isHeld && claim.metadata.deletionTimestamp && isUnused) {
      if (allocation) current = await this.#write(claim, remaining, true, signal);
    } else return;
    const finalizers = current.metadata.finalizers ?? [];
    if (!finalizers.includes(claimFinalizer)) return;
    const left = finalizers.filter((each) => each !== claimFinalizer);
    await this.#claims.update({ ...current, metadata: { ...current.metadata, finalizers: left } }, { signal });
  }

  #write(
    claim: ResourceClaim,
    remaining: readonly ResourceClaimConsumerReference[],
    deallocates: boolean,
    signal: AbortSignal,
  ): Promise<ResourceClaim> {
    const { reservedFor: _, allocation, ...rest } = claim.status ?? {};
    const status = {
      ...rest,
      ...(allocation && !deallocates ? { allocation } : {}),
      ...(remaining.length > 0 ? { reservedFor: [...remaining] } : {}),
    };
    return this.#claims.update({ ...claim, status }, { subresource: 'status', signal });
  }

  /** A claim that was made for a pod that is done need not wait for the pod to be deleted. */
  async #deleteUnneeded(claim: ResourceClaim, signal: AbortSignal): Promise<void> {
    const owner = claim.metadata.ownerReferences?.find(
      ({ controller, apiVersion, kind }) => controller && apiVersion === 'v1' && kind === 'Pod',
    );
    const pod = owner && this.#world.pods.find(`${claim.metadata.namespace}/${owner.name}`);
    if (!pod || (pod.metadata.uid === owner.uid && !isDone(pod))) return;
    await this.#claims.delete(splitKey(keyOf(claim)), { signal });
  }
}
