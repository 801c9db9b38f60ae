// Gives claims their devices once their pod has a node: promised at once, so that nobody else gets them, then written,
// then waited for where a device takes its time.
import type { Pod } from '../../../generated/core-v1.ts';
import { podKind, resourceClaimKind } from '../../../generated/kinds.ts';
import type { AllocationResult, ResourceClaim } from '../../../generated/resource-v1.ts';
import { keyOf, splitKey } from '../../api/meta/object.ts';
import { isConflict, isNotFound } from '../../api/meta/status-error.ts';
import { claimFinalizer, consumerOf, isReservedFor } from '../../api/resource/pod-claims.ts';
import { type Clock, rfc3339 } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import type { EventRecorder } from '../../reconcile/controller.ts';
import { PluginError } from '../plugin.ts';
import { bindingProblem, bindingTimeoutMs, hasTimedOut, isReadyToBind, waitsForDevices } from './binding-conditions.ts';
import type { Devices } from './devices.ts';
import type { DevicePlan, ExtendedClaim, PlannedClaim } from './plan.ts';

const maxAttempts = 5;
const betweenAttemptsMs = 10;

export interface ClaimBindingsOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly devices: Devices;
}

export interface ClaimBinding {
  readonly pod: Pod;
  readonly nodeName: string;
  /** Nobody needs the devices any more. */
  isGone(): boolean;
  readonly signal: AbortSignal;
}

export class ClaimBindings {
  readonly #options: ClaimBindingsOptions;
  #waiters = new Set<() => void>();
  /** Claims for extended resources, as made; by the uid of their draft. */
  readonly #made = new Map<string, ResourceClaim>();

  constructor(options: ClaimBindingsOptions) {
    this.#options = options;
  }

  /** A claim has changed, or a pod is gone: who waits looks again. */
  changed(): void {
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const wake of waiters) wake();
  }

  promise({ claims, extended }: DevicePlan): Disposable {
    const promises = new DisposableStack();
    if (extended) {
      promises.use(this.#options.devices.promise(extended.draft, extended.allocation));
      promises.defer(() => this.#made.delete(extended.draft.metadata.uid ?? ''));
    }
    for (const { claim, allocation } of claims) {
      if (allocation) promises.use(this.#options.devices.promise(claim, allocation));
    }
    return promises;
  }

  /** Settles when all claims are the pod's and their devices are there. @throws PluginError */
  async carryOut({ claims, extended }: DevicePlan, binding: ClaimBinding): Promise<void> {
    try {
      if (extended) await this.#make(extended, binding);
      for (const planned of claims) {
        if (!isReservedFor(binding.pod, planned.claim)) await this.#reserve(planned, binding);
      }
      const keys = claims.map(({ claim }) => keyOf(claim));
      await this.#untilReady(keys, binding);
    } catch (error) {
      if (binding.signal.aborted) throw error;
      throw new PluginError(`running PreBind plugin "DynamicResources": ${(error as Error).message}`);
    }
  }

  /** The pod was not bound: others may have its claims. */
  async takeBack({ claims, extended }: DevicePlan, { pod, signal }: ClaimBinding): Promise<void> {
    const { client, devices } = this.#options;
    const made = this.#made.get(extended?.draft.metadata.uid ?? '');
    if (made) await this.#unmake(made, signal);
    const { uid } = pod.metadata;
    for (const { claim } of claims) {
      const current = devices.claim(keyOf(claim));
      if (!current?.status?.allocation || !isReservedFor(pod, current)) continue;
      const patch = {
        metadata: { uid: current.metadata.uid },
        status: { reservedFor: [{ $patch: 'delete', uid }] },
      };
      try {
        const options = { type: 'strategic', subresource: 'status', signal } as const;
        devices.wrote(await client.resource(resourceClaimKind).patch(splitKey(keyOf(claim)), patch, options));
      } catch (error) {
        // A pod that is looked at again finds the claim as it is.
        if (!isNotFound(error) && !isConflict(error) && !signal.aborted) throw error;
      }
    }
  }

  /** Takes away devices that are of no use where they are. */
  async deallocate(claim: ResourceClaim, signal: AbortSignal): Promise<void> {
    const { client, devices } = this.#options;
    const { allocation: _, reservedFor: __, devices: ___, ...status } = claim.status ?? {};
    const options = { subresource: 'status', signal };
    devices.wrote(await client.resource(resourceClaimKind).update({ ...claim, status }, options));
  }

  /** The claim for extended resources: made, given its devices, and named in the pod's status. */
  async #make({ draft, allocation, mappings }: ExtendedClaim, { pod, signal }: ClaimBinding): Promise<void> {
    const { client, devices } = this.#options;
    const { uid: ours = '', ...metadata } = draft.metadata;
    const what = `create claim for extended resources ${metadata.namespace}/<extended-resources>`;
    const made = await explained(what, client.resource(resourceClaimKind).create({ ...draft, metadata }, { signal }));
    this.#made.set(ours, made);
    const given = await this.#write(made, allocation, pod, signal);
    this.#made.set(ours, given);
    devices.wrote(given);
    const status = {
      extendedResourceClaimStatus: { requestMappings: [...mappings], resourceClaimName: made.metadata.name },
    };
    const { namespace = '', name, uid } = pod.metadata;
    const patch = { metadata: { uid }, status };
    await explained(
      `update pod ${namespace}/${name} ExtendedResourceClaimStatus`,
      client.resource(podKind).patch({ namespace, name }, patch, { type: 'strategic', subresource: 'status', signal }),
    );
  }

  async #unmake(claim: ResourceClaim, signal: AbortSignal): Promise<void> {
    const claims = this.#options.client.resource(resourceClaimKind);
    const { namespace = '', name, uid = '' } = claim.metadata;
    try {
      const patch = { metadata: { uid, finalizers: null } };
      await claims.patch({ namespace, name }, patch, { type: 'merge', signal });
      await claims.delete({ namespace, name }, { preconditions: { uid }, signal });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error) && !signal.aborted) throw error;
    }
  }

  async #reserve({ claim, allocation }: PlannedClaim, { pod, signal }: ClaimBinding): Promise<void> {
    const { client, clock, devices } = this.#options;
    const key = keyOf(claim);
    for (let attempt = 1; ; attempt++) {
      const current = attempt === 1 ? claim : await client.resource(resourceClaimKind).get(splitKey(key), { signal });
      try {
        devices.wrote(await this.#write(current, allocation, pod, signal));
        return;
      } catch (error) {
        if (attempt === maxAttempts || !isConflict(error)) throw error;
        await clock.sleep(betweenAttemptsMs, signal);
      }
    }
  }

  async #write(
    claim: ResourceClaim,
    allocation: AllocationResult | undefined,
    pod: Pod,
    signal: AbortSignal,
  ): Promise<ResourceClaim> {
    const claims = this.#options.client.resource(resourceClaimKind);
    const key = keyOf(claim);
    if (claim.metadata.deletionTimestamp) throw new Error(`claim ${key} got deleted in the meantime`);
    if (allocation && claim.status?.allocation) throw new Error(`claim ${key} got allocated elsewhere in the meantime`);
    if (!allocation && !claim.status?.allocation) {
      throw new Error(`claim ${key} got deallocated elsewhere in the meantime`);
    }
    let current = claim;
    const finalizers = claim.metadata.finalizers ?? [];
    if (allocation && !finalizers.includes(claimFinalizer)) {
      const metadata = { ...claim.metadata, finalizers: [...finalizers, claimFinalizer] };
      current = await explained(`add finalizer to claim ${key}`, claims.update({ ...claim, metadata }, { signal }));
    }
    const given = allocation ?? current.status!.allocation!;
    const status = {
      ...current.status,
      allocation: { ...given, allocationTimestamp: given.allocationTimestamp ?? rfc3339(this.#options.clock.now()) },
      reservedFor: [...(current.status?.reservedFor ?? []), consumerOf(pod)],
    };
    const what = `add ${allocation ? 'allocation and ' : ''}reservation to claim ${key}`;
    return explained(what, claims.update({ ...current, status }, { subresource: 'status', signal }));
  }

  async #untilReady(keys: readonly string[], { pod, nodeName, isGone, signal }: ClaimBinding): Promise<void> {
    const { clock, devices, recorder } = this.#options;
    const current = () => keys.flatMap((key) => devices.claim(key) ?? []);
    if (!current().some(waitsForDevices)) return;
    const message = `waiting for binding conditions for device on node ${nodeName}`;
    recorder.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, 'Normal', 'BindingConditionsPending', message);
    using _timer = clock.timer(bindingTimeoutMs + 1000, () => this.changed());
    while (!signal.aborted && !isGone()) {
      const claims = current();
      for (const claim of claims) {
        const problem = bindingProblem(claim);
        if (problem) throw new Error(problem);
      }
      const late = claims.find((claim) => !isReadyToBind(claim) && hasTimedOut(claim, clock.now()));
      if (late) throw new Error(`device binding timeout: claim=${late.metadata.name}`);
      if (claims.every(isReadyToBind)) return;
      await this.#nextChange(signal);
    }
    throw new Error('nobody waits for the devices any more');
  }

  async #nextChange(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#waiters.add(wake);
    signal.addEventListener('abort', wake);
    await promise;
    signal.removeEventListener('abort', wake);
    this.#waiters.delete(wake);
  }
}

/** A conflict stays what it is: it is tried again. */
async function explained<T>(what: string, request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    throw isConflict(error) ? error : new Error(`${what}: ${(error as Error).message}`);
  }
}
