// Pods whose claims are not there yet: they are not looked at, and nothing is said of them.
import type { Pod } from '../../../generated/core-v1.ts';
import { keyOf } from '../../api/meta/object.ts';
import { claimNameOf } from '../../api/resource/pod-claims.ts';
import type { Devices } from './devices.ts';

export class ClaimGate {
  readonly #devices: Devices;
  /** Claim → pods without a node that use it. */
  readonly #users = new Map<string, Set<string>>();
  readonly #claims = new Map<string, readonly string[]>();
  readonly #outside = new Set<string>();

  constructor(devices: Devices) {
    this.#devices = devices;
  }

  /** Whether the pod may be looked at; until `forget`, changes of its claims are told. */
  admits(pod: Pod): boolean {
    if (!pod.spec.resourceClaims?.length) return true;
    const key = keyOf(pod);
    this.forget(key);
    const claims = claimKeys(pod);
    this.#claims.set(key, claims);
    for (const claim of claims) this.#users.set(claim, (this.#users.get(claim) ?? new Set()).add(key));
    const isIn = 'claims' in this.#devices.claimsOf(pod);
    if (!isIn) this.#outside.add(key);
    return isIn;
  }

  get outside(): number {
    return this.#outside.size;
  }

  isOutside(podKey: string): boolean {
    return this.#outside.has(podKey);
  }

  forget(podKey: string): void {
    this.#outside.delete(podKey);
    for (const claim of this.#claims.get(podKey) ?? []) {
      const users = this.#users.get(claim);
      users?.delete(podKey);
      if (users?.size === 0) this.#users.delete(claim);
    }
    this.#claims.delete(podKey);
  }

  /** Pods without a node that use the claim. */
  usersOf(claim: string): readonly string[] {
    return [...(this.#users.get(claim) ?? [])];
  }
}

function claimKeys(pod: Pod): string[] {
  return (pod.spec.resourceClaims ?? []).flatMap((entry) => {
    const found = claimNameOf(pod, entry);
    return 'name' in found ? [`${pod.metadata.namespace}/${found.name}`] : [];
  });
}
