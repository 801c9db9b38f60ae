// The node's part of growing a volume, and what its claim is told of it.
import type { PersistentVolumeClaim, PersistentVolumeClaimCondition, Pod } from '../../../generated/core-v1.ts';
import { persistentVolumeClaimKind, persistentVolumeKind } from '../../../generated/kinds.ts';
import { quantityOf, unitsOf } from '../../api/meta/quantity.ts';
import { type Clock, rfc3339 } from '../../base/clock.ts';
import { about } from '../../reconcile/about.ts';
import type { EventRecorder } from '../../reconcile/controller.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import { readSecret } from './call-data.ts';
import { type CsiContext, told } from './context.ts';
import { isFinal, isInfeasible, isInUse } from './csi-error.ts';
import type { Capabilities } from './node-client.ts';
import { type CsiVolumeSpec, claimOf, wishOf } from './volume-spec.ts';

export interface ExpandInput {
  readonly pod: Pod;
  readonly spec: CsiVolumeSpec;
  /** Where the pod has it, on this machine. */
  readonly path: string;
  readonly capabilities: Capabilities;
  /** As far as this node knows; undefined when it has not looked yet. */
  readonly knownSize: string | undefined;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
}

const resizeConditions: ReadonlySet<string> = new Set([
  'FileSystemResizePending',
  'Resizing',
  'ControllerResizeError',
  'NodeResizeError',
]);

/** It may be tried again when nothing uses the volume. */
export class InUseForExpansion extends Error {}

/**
 * Grows the volume when its claim waits for this node to do so. Gives its size now.
 * @throws Error in upstream's words; the claim is told as well. InUseForExpansion: not while a pod uses it.
 */
export async function expandIfAsked(context: CsiContext, input: ExpandInput): Promise<string | undefined> {
  const { spec, knownSize, capabilities } = input;
  const key = claimOf(spec);
  if (!key || spec.readOnly) return knownSize;
  const [claim, volume] = await Promise.all([
    context.client.resource(persistentVolumeClaimKind).find(key),
    context.client.resource(persistentVolumeKind).find({ namespace: '', name: spec.name }),
  ]);
  const wanted = volume?.spec?.capacity?.['storage'];
  if (!claim || !wanted) return knownSize;
  const isTold = claim.status?.capacity?.['storage'];
  const size = knownSize ?? isTold;
  const stage = claim.status?.allocatedResourceStatuses?.['storage'];
  const allocated = claim.status?.allocatedResources?.['storage'];
  if (stage !== undefined) {
    if (stage !== 'NodeResizePending' && stage !== 'NodeResizeInProgress') return size;
    return grow(context, input, claim, allocated ?? wanted, true);
  }
  if (unitsOf(isTold) < unitsOf(wanted)) return allocated ? size : grow(context, input, claim, wanted, true);
  // Grown on another node already: this one has to follow, where its driver can.
  const isShared = claim.spec?.accessModes?.includes('ReadWriteMany') === true;
  const isDone = claim.metadata.annotations?.['volume.kubernetes.io/node-expansion-not-required'] !== undefined;
  if (unitsOf(size) >= unitsOf(wanted) || !isShared || isDone || !capabilities.has('EXPAND_VOLUME')) return wanted;
  return grow(context, input, claim, wanted, false);
}

async function grow(
  context: CsiContext,
  input: ExpandInput,
  claim: PersistentVolumeClaim,
  size: string,
  tellsClaim: boolean,
): Promise<string> {
  const { pod, spec, recorder } = input;
  const teller = new ClaimTeller(context, input.clock, claim);
  const hadStages = claim.status?.allocatedResourceStatuses !== undefined;
  if (tellsClaim && hadStages) await teller.inProgress();
  try {
    await callDriver(context, input, size);
  } catch (error) {
    await refused(teller, error);
    throw error;
  }
  const message = `MountVolume.NodeExpandVolume succeeded for volume "${spec.name}" ${context.nodeName}`;
  for (const each of [{ ...pod, apiVersion: 'v1', kind: 'Pod' }, about(persistentVolumeClaimKind, claim)])
    recorder.event(each, 'Normal', 'FileSystemResizeSuccessful', message);
  if (tellsClaim) await teller.finished(size);
  return size;
}

async function callDriver(context: CsiContext, input: ExpandInput, size: string): Promise<void> {
  const { spec, path, capabilities } = input;
  if (!capabilities.has('EXPAND_VOLUME'))
    throw new Error(`NodeExpand is not supported by the CSI driver ${spec.driver}`);
  const { layout, client, drivers } = context;
  const staging = spec.isBlock ? layout.deviceStaging(spec.name) : layout.globalMount(spec.driver, spec.handle);
  const problem = 'expander.NodeExpand failed to get NodeExpandSecretRef %s';
  const secrets = await readSecret(client, problem, spec.expandSecret);
  await drivers.client(spec.driver).expand(
    {
      volumeId: spec.handle,
      volumePath: told(context, path),
      stagingTargetPath: capabilities.has('STAGE_UNSTAGE_VOLUME') ? told(context, staging) : '',
      requiredBytes: quantityOf(size).units,
      secrets,
      wish: wishOf(spec),
    },
    capabilities,
  );
}

/** @throws what is to be told of the driver's refusal */
async function refused(teller: ClaimTeller, error: unknown): Promise<void> {
  const text = rpcErrorText(error);
  const prefix = 'Expander.NodeExpand failed to expand the volume';
  if (isInfeasible(error)) {
    await teller.failed(`${prefix} ${text}`, true);
    throw new Error(`${prefix} ${text}`, { cause: error });
  }
  if (isInUse(error)) {
    await teller.failed(`${prefix} : ${text}`, false);
    throw new InUseForExpansion(`${prefix} : ${text}`, { cause: error });
  }
  if (isFinal(error)) await teller.failed(`${prefix} : ${text}`, false);
  if (isFinal(error) || 'code' in (error as object)) throw new Error(`${prefix} : ${text}`, { cause: error });
  await teller.failed(text, false);
}

/** Writes the status of a claim that grows. */
class ClaimTeller {
  readonly #context: CsiContext;
  readonly #clock: Clock;
  #claim: PersistentVolumeClaim;

  constructor(context: CsiContext, clock: Clock, claim: PersistentVolumeClaim) {
    this.#context = context;
    this.#clock = clock;
    this.#claim = claim;
  }

  async inProgress(): Promise<void> {
    if (this.#claim.status?.allocatedResourceStatuses?.['storage'] === 'NodeResizeInProgress') return;
    await this.#patch({ allocatedResourceStatuses: { storage: 'NodeResizeInProgress' } });
  }

  async finished(size: string): Promise<void> {
    const conditions = (this.#claim.status?.conditions ?? []).filter(({ type }) => !resizeConditions.has(type));
    await this.#patch({
      capacity: { storage: size },
      conditions: conditions.length > 0 ? conditions : null,
      ...(this.#claim.status?.allocatedResourceStatuses ? { allocatedResourceStatuses: { storage: null } } : {}),
    });
  }

  async failed(why: string, isForGood: boolean): Promise<void> {
    const conditions = this.#claim.status?.conditions ?? [];
    const isKnown = conditions.some(({ type, status }) => type === 'NodeResizeError' && status === 'True');
    if (isKnown && !isForGood) return;
    const condition: PersistentVolumeClaimCondition = {
      type: 'NodeResizeError',
      status: 'True',
      lastTransitionTime: rfc3339(this.#clock.now()),
      message: `failed to expand pvc with ${why}`,
    };
    const others = conditions.filter(({ type }) => type !== 'NodeResizeError');
    await this.#patch({
      conditions: [...others, condition],
      ...(isForGood ? { allocatedResourceStatuses: { storage: 'NodeResizeInfeasible' } } : {}),
    });
  }

  async #patch(status: object): Promise<void> {
    const { namespace, name, resourceVersion } = this.#claim.metadata;
    const claims = this.#context.client.resource(persistentVolumeClaimKind);
    this.#claim = await claims.patch(
      { namespace: namespace!, name },
      { metadata: { resourceVersion }, status },
      { type: 'merge', subresource: 'status' },
    );
  }
}
