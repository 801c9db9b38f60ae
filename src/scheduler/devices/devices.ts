// What devices there are and whose they are: slices, classes and claims as they are now, with what this scheduler has
// promised and not written yet, and with what it has written and not seen yet.
import type { Pod } from '../../../generated/core-v1.ts';
import { deviceClassKind, resourceClaimKind, resourceSliceKind } from '../../../generated/kinds.ts';
import type { AllocationResult, DeviceClass, ResourceClaim } from '../../../generated/resource-v1.ts';
import { keyOf } from '../../api/meta/object.ts';
import { claimNameOf, whyNotOwned } from '../../api/resource/pod-claims.ts';
import type { Clock } from '../../base/clock.ts';
import type { Informer, InformerFactory } from '../../reconcile/informer.ts';
import { AllocatedDevices } from './allocated.ts';
import type { DeviceStock } from './allocator.ts';
import { ResourceClasses } from './extended.ts';
import { SliceIndex } from './pools.ts';

/** All claims of a pod, or why it has to wait. */
export type PodClaims = { readonly claims: readonly ResourceClaim[] } | { readonly problem: string };

export interface DeviceChanges {
  /** Slices or classes: any pod that waits for devices may profit. */
  stock(): void;
  /** A claim appeared, changed or is gone. */
  claim(key: string): void;
  /** Which resources classes stand for. */
  classes(): void;
}

export class Devices {
  readonly #classes: Informer<DeviceClass>;
  readonly #claims: Informer<ResourceClaim>;
  readonly #slices;
  readonly #allocated = new AllocatedDevices();
  /** By uid of the claim: promised, not written. */
  readonly #promised = new Map<string, AllocationResult>();
  /** By key: as the server answered, until the watch shows it. */
  readonly #written = new Map<string, ResourceClaim>();
  readonly #clock: Clock;
  /** Resources that classes stand for. */
  readonly resources: ResourceClasses;
  #index: SliceIndex | undefined;

  constructor(informers: InformerFactory, clock: Clock, changes: DeviceChanges) {
    this.#clock = clock;
    this.#classes = informers.informer(deviceClassKind);
    this.#claims = informers.informer(resourceClaimKind);
    this.#slices = informers.informer(resourceSliceKind);
    this.resources = new ResourceClasses(() => this.#classes.list());
    const classesChanged = () => {
      this.resources.forget();
      changes.classes();
      changes.stock();
    };
    this.#classes.onChange({ added: classesChanged, updated: classesChanged, deleted: classesChanged });
    const slicesChanged = () => {
      this.#index = undefined;
      changes.stock();
    };
    this.#slices.onChange({ added: slicesChanged, updated: slicesChanged, deleted: slicesChanged });
    this.#claims.onChange({
      added: (claim) => this.#claimSeen(claim, changes),
      updated: (claim, previous) => {
        this.#claimSeen(claim, changes);
        if (previous.status?.allocation && !claim.status?.allocation) changes.stock();
      },
      deleted: (claim) => {
        this.#written.delete(keyOf(claim));
        this.#allocated.set(claim.metadata.uid ?? '', undefined);
        changes.stock();
        changes.claim(keyOf(claim));
      },
    });
  }

  get nowMs(): number {
    return this.#clock.now();
  }

  get stock(): DeviceStock {
    this.#index ??= new SliceIndex(this.#slices.list());
    return { slices: this.#index, allocated: this.#allocated };
  }

  deviceClass(name: string): DeviceClass | undefined {
    return this.#classes.find(name);
  }

  claim(key: string): ResourceClaim | undefined {
    const seen = this.#claims.find(key);
    const written = this.#written.get(key);
    return written && (!seen || versionOf(written) > versionOf(seen)) ? written : seen;
  }

  claimsOf(pod: Pod): PodClaims {
    const claims: ResourceClaim[] = [];
    for (const entry of pod.spec.resourceClaims ?? []) {
      const found = claimNameOf(pod, entry);
      if ('problem' in found) return { problem: found.problem };
      if ('isUnneeded' in found) continue;
      const claim = this.claim(`${pod.metadata.namespace}/${found.name}`);
      if (!claim) return { problem: `could not find v1.ResourceClaim "${pod.metadata.namespace}/${found.name}"` };
      if (claim.metadata.deletionTimestamp) return { problem: `resourceclaim "${found.name}" is being deleted` };
      const stranger = found.mustBeOwned ? whyNotOwned(pod, claim) : undefined;
      if (stranger) return { problem: stranger };
      claims.push(claim);
    }
    return { claims };
  }

  isPromised({ metadata }: ResourceClaim): boolean {
    return this.#promised.has(metadata.uid ?? '');
  }

  /** From now on nobody else gets these devices. Taken back by disposing. */
  promise({ metadata }: ResourceClaim, allocation: AllocationResult): Disposable {
    const uid = metadata.uid ?? '';
    this.#promised.set(uid, allocation);
    this.#allocated.set(uid, allocation);
    return {
      [Symbol.dispose]: () => {
        this.#promised.delete(uid);
        this.#allocated.set(uid, this.claim(keyOf({ metadata }))?.status?.allocation);
      },
    };
  }

  /** The server has taken it. */
  wrote(claim: ResourceClaim): void {
    const key = keyOf(claim);
    const seen = this.#claims.find(key);
    // One that we have made ourselves may not have been seen at all yet.
    if (seen && versionOf(claim) <= versionOf(seen)) return;
    this.#written.set(key, claim);
    if (!this.isPromised(claim)) this.#allocated.set(claim.metadata.uid ?? '', claim.status?.allocation);
  }

  #claimSeen(claim: ResourceClaim, changes: DeviceChanges): void {
    const key = keyOf(claim);
    const written = this.#written.get(key);
    if (written && versionOf(written) <= versionOf(claim)) this.#written.delete(key);
    if (!this.isPromised(claim)) this.#allocated.set(claim.metadata.uid ?? '', this.claim(key)?.status?.allocation);
    changes.claim(key);
  }
}

const versionOf = ({ metadata }: ResourceClaim) => BigInt(metadata.resourceVersion || 0);
