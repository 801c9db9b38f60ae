// Gives claims their volumes once their pod has a node: promised at once, so that nobody else takes them, then written,
// then waited for until the volume controller has done its part.
import type { PersistentVolumeClaim } from '../../generated/core-v1.ts';
import { persistentVolumeClaimKind, persistentVolumeKind } from '../../generated/kinds.ts';
import { boundVolume, volumeAnnotations } from '../api/core/volume-match.ts';
import { keyOf } from '../api/meta/object.ts';
import type { Clock } from '../base/clock.ts';
import type { Client } from '../client/client.ts';
import type { Storage } from './plugin.ts';
import type { VolumePlan } from './volume-plan.ts';

/** As long as upstream waits for a volume to be made. */
const bindTimeoutMs = 600_000;

export interface BindingPlace {
  readonly nodeName: string;
  readonly storage: Storage;
  /** Nobody needs the volumes any more. */
  isGone(): boolean;
  readonly signal: AbortSignal;
}

export class VolumeBindings {
  readonly #client: Client;
  readonly #clock: Clock;
  /** Volume → pods it was promised to; a name counts until its volume shows that it is taken. */
  readonly #promised = new Map<string, number>();
  #waiters = new Set<() => void>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  taken(): Iterable<string> {
    return this.#promised.keys();
  }

  /** Claims or volumes have changed, or a pod is gone: who waits looks again. */
  changed(): void {
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const wake of waiters) wake();
  }

  promise({ bind }: VolumePlan): Disposable {
    const names = bind.map(({ volume }) => volume.metadata.name);
    for (const name of names) this.#promised.set(name, (this.#promised.get(name) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        for (const name of names) {
          const left = (this.#promised.get(name) ?? 1) - 1;
          if (left > 0) this.#promised.set(name, left);
          else this.#promised.delete(name);
        }
      },
    };
  }

  /** Settles when all claims of the plan are bound. @throws Error when one cannot be, or not in time */
  async carryOut(plan: VolumePlan, { nodeName, storage, isGone, signal }: BindingPlace): Promise<void> {
    for (const { claim, volume } of plan.bind) {
      const next = boundVolume(volume, claim);
      if (next) await this.#client.resource(persistentVolumeKind).update(next, { signal });
    }
    for (const claim of plan.provision) await this.#selectNode(claim, nodeName, signal);
    let isLate = false;
    using _timeout = this.#clock.timer(bindTimeoutMs, () => {
      isLate = true;
      this.changed();
    });
    const isOpen = (claim: PersistentVolumeClaim) =>
      !isBound(storage, claim, plan.provision.includes(claim) ? nodeName : undefined);
    const claims = [...plan.bind.map(({ claim }) => claim), ...plan.provision];
    while (claims.some(isOpen)) {
      if (isLate) throw new Error('binding volumes: timed out waiting for the volume controller');
      if (isGone()) throw new Error('binding volumes: the pod is gone');
      await this.#change(signal);
    }
  }

  async #selectNode(claim: PersistentVolumeClaim, nodeName: string, signal: AbortSignal): Promise<void> {
    const annotations = { ...claim.metadata.annotations, [volumeAnnotations.selectedNode]: nodeName };
    if (claim.metadata.annotations?.[volumeAnnotations.selectedNode] === nodeName) return;
    const next = { ...claim, metadata: { ...claim.metadata, annotations } };
    await this.#client.resource(persistentVolumeClaimKind).update(next, { signal });
  }

  async #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.add(resolve);
    signal.addEventListener('abort', resolve as () => void, { once: true });
    await promise;
    signal.removeEventListener('abort', resolve as () => void);
    signal.throwIfAborted();
  }
}

/** @throws Error when it will not be */
function isBound(storage: Storage, { metadata }: PersistentVolumeClaim, chosen: string | undefined): boolean {
  const claim = storage.claim(metadata.namespace!, metadata.name);
  if (!claim || claim.metadata.uid !== metadata.uid) throw new Error(`claim ${keyOf({ metadata })} is gone`);
  const { annotations } = claim.metadata;
  if (claim.spec?.volumeName && annotations?.[volumeAnnotations.bindCompleted] !== undefined) return true;
  const isRefused =
    chosen !== undefined && isNewer(claim, metadata) && annotations?.[volumeAnnotations.selectedNode] !== chosen;
  if (isRefused) throw new Error(`provisioning failed for PVC ${JSON.stringify(metadata.name)}`);
  return false;
}

/** The cache may still show the claim as it was when the node was chosen. */
const isNewer = ({ metadata }: PersistentVolumeClaim, chosenFrom: PersistentVolumeClaim['metadata']): boolean =>
  metadata.resourceVersion !== chosenFrom.resourceVersion;
