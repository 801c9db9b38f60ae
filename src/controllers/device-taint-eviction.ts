// Deletes pods whose devices have got a NoExecute taint that their claims do not tolerate, or no longer do.
import type { Pod } from '../../generated/core-v1.ts';
import { podKind, resourceClaimKind, resourceSliceKind } from '../../generated/kinds.ts';
import type {
  Device,
  DeviceRequestAllocationResult,
  DeviceTaint,
  ResourceClaim,
  ResourceSlice,
} from '../../generated/resource-v1.ts';
import { isEqual } from '../api/meta/equality.ts';
import { keyOf } from '../api/meta/object.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import { timeMs } from '../api/meta/time.ts';
import { toleratesDeviceTaint } from '../api/resource/device-toleration.ts';
import { claimNameOf, isReservedFor, whyNotOwned } from '../api/resource/pod-claims.ts';
import { about } from '../reconcile/about.ts';
import type { ControllerContext, ControllerDefinition, EventRecorder, KeyQueue } from '../reconcile/controller.ts';
import type { Informer } from '../reconcile/informer.ts';
import { markDisrupted } from './shared/disruption.ts';
import { byResourceClaim, resourceClaimKeysOf } from './shared/pods-by-resource-claim.ts';

const name = 'device-taint-eviction-controller';
const byPool = 'device-pool';
const askAgainMs = 1000;

export const deviceTaintEvictionController: ControllerDefinition = {
  name,
  setup(context, queue) {
    const controller = new DeviceTaintEviction(context, queue);
    return { name, workers: 8, reconcile: (key) => controller.reconcile(key) };
  },
};

const poolOf = ({ driver, pool }: { driver: string; pool: string }) => `${driver}/${pool}`;
const poolOfSlice = ({ spec }: ResourceSlice) => poolOf({ driver: spec.driver, pool: spec.pool.name });
const resultsOf = ({ status }: ResourceClaim) => status?.allocation?.devices?.results ?? [];
const executing = ({ taints = [] }: Device): DeviceTaint[] => taints.filter(({ effect }) => effect === 'NoExecute');
const hasTaints = ({ spec }: ResourceSlice) => (spec.devices ?? []).some((device) => executing(device).length > 0);

class DeviceTaintEviction {
  readonly #context: ControllerContext;
  readonly #queue: KeyQueue;
  readonly #events: EventRecorder;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<ResourceClaim>;
  readonly #slices: Informer<ResourceSlice>;
  /** Pods that are deleted unless something changes before their toleration ends. */
  readonly #waiting = new Set<string>();

  constructor(context: ControllerContext, queue: KeyQueue) {
    this.#context = context;
    this.#queue = queue;
    this.#events = context.recorder(name);
    this.#pods = context.informers.informer(podKind);
    this.#claims = context.informers.informer(resourceClaimKind);
    this.#slices = context.informers.informer(resourceSliceKind);
    this.#pods.addIndex(byResourceClaim, resourceClaimKeysOf);
    this.#claims.addIndex(byPool, (claim) => [...new Set(resultsOf(claim).map(poolOf))]);
    this.#slices.addIndex(byPool, (slice) => [poolOfSlice(slice)]);
    this.#slices.onChange({
      added: (slice) => hasTaints(slice) && this.#poolChanged(slice),
      updated: (next, previous) => {
        if (hasTaints(next) || hasTaints(previous)) this.#poolChanged(next);
      },
      deleted: (slice) => hasTaints(slice) && this.#poolChanged(slice),
    });
    this.#claims.onChange({
      added: (claim) => this.#claimChanged(claim),
      updated: (next, previous) => {
        if (!isEqual(next.status, previous.status)) this.#claimChanged(next);
      },
      deleted: (claim) => this.#claimChanged(claim),
    });
    this.#pods.onChange({
      added: (pod) => this.#podChanged(pod),
      updated: (next, previous) => {
        const isSame =
          next.spec.nodeName === previous.spec.nodeName &&
          isEqual(next.status?.resourceClaimStatuses, previous.status?.resourceClaimStatuses);
        if (!isSame) this.#podChanged(next);
      },
      deleted: (pod) => this.#waiting.delete(keyOf(pod)),
    });
  }

  async reconcile(key: string): Promise<void> {
    const pod = this.#pods.find(key);
    if (!pod || pod.metadata.deletionTimestamp) {
      this.#waiting.delete(key);
      return;
    }
    const atMs = this.#evictionMs(pod);
    if (atMs === undefined) {
      if (this.#waiting.delete(key)) this.#say(pod, 'Cancelling deletion');
      return;
    }
    const leftMs = atMs - this.#context.clock.now();
    if (leftMs > 0) {
      this.#waiting.add(key);
      this.#queue.addAfter(key, leftMs);
      return;
    }
    // Whoever does not hear of these at the moment would evict for a taint that is gone, or for devices that were given back.
    if ([this.#slices, this.#claims, this.#pods].some(({ followsSinceMs }) => followsSinceMs === undefined)) {
      this.#queue.addAfter(key, askAgainMs);
      return;
    }
    this.#waiting.delete(key);
    await this.#evict(pod);
  }

  #podChanged(pod: Pod): void {
    if (pod.spec.nodeName && pod.spec.resourceClaims?.length) this.#queue.add(keyOf(pod));
  }

  #claimChanged(claim: ResourceClaim): void {
    for (const pod of this.#pods.byIndex(byResourceClaim, keyOf(claim))) this.#podChanged(pod);
  }

  #poolChanged(slice: ResourceSlice): void {
    for (const claim of this.#claims.byIndex(byPool, poolOfSlice(slice))) this.#claimChanged(claim);
  }

  /** When the pod has to go; undefined: it may stay. */
  #evictionMs(pod: Pod): number | undefined {
    if (!pod.spec.nodeName) return undefined;
    const times: number[] = [];
    for (const entry of pod.spec.resourceClaims ?? []) {
      const found = claimNameOf(pod, entry);
      const claim = 'name' in found ? this.#claims.find(`${pod.metadata.namespace}/${found.name}`) : undefined;
      if (!claim || !('name' in found) || !isReservedFor(pod, claim)) continue;
      if (found.mustBeOwned && whyNotOwned(pod, claim)) continue;
      for (const result of resultsOf(claim)) times.push(...this.#deadlines(result));
    }
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  #deadlines(result: DeviceRequestAllocationResult): number[] {
    const device = this.#deviceOf(result);
    return (device ? executing(device) : []).flatMap((taint) => {
      const sinceMs = timeMs(taint.timeAdded) ?? this.#context.clock.now();
      const seconds = toleratedSeconds(result, taint);
      return seconds === Number.POSITIVE_INFINITY ? [] : [sinceMs + seconds * 1000];
    });
  }

  #deviceOf(result: DeviceRequestAllocationResult): Device | undefined {
    const slices = this.#slices.byIndex(byPool, poolOf(result));
    const newest = slices.reduce((highest, { spec }) => Math.max(highest, spec.pool.generation), 0);
    for (const { spec } of slices) {
      const found = spec.pool.generation === newest && spec.devices?.find((device) => device.name === result.device);
      if (found) return found;
    }
    return undefined;
  }

  async #evict(pod: Pod): Promise<void> {
    const { namespace = '', name: podName, uid } = pod.metadata;
    const { client, clock } = this.#context;
    this.#say(pod, 'Marking for deletion');
    const message = 'Device Taint manager: deleting due to NoExecute taint';
    try {
      const disruption = { reason: 'DeletionByDeviceTaintManager', message } as const;
      await markDisrupted(client, pod, { disruption, nowMs: clock.now() });
      await client.resource(podKind).delete({ namespace, name: podName }, { preconditions: { uid: uid! } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #say(pod: Pod, message: string): void {
    this.#events.event(about(podKind, pod), 'Normal', 'DeviceTaintManagerEviction', message);
  }
}

/** The shortest of the tolerations that fit; 0: none does; infinite: one lasts for ever. */
function toleratedSeconds({ tolerations = [] }: DeviceRequestAllocationResult, taint: DeviceTaint): number {
  const fitting = tolerations.filter((each) => each.effect === 'NoExecute' && toleratesDeviceTaint(each, taint));
  if (fitting.length === 0) return 0;
  if (fitting.some(({ tolerationSeconds }) => tolerationSeconds === undefined)) return Number.POSITIVE_INFINITY;
  return Math.min(...fitting.map(({ tolerationSeconds }) => Math.max(0, tolerationSeconds!)));
}
