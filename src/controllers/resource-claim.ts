// Claims of pods: made from templates, kept for the pods that use them, given back when nobody does.
import type { Pod } from '../../generated/core-v1.ts';
import { podKind, resourceClaimKind, resourceClaimTemplateKind } from '../../generated/kinds.ts';
import type { ResourceClaim } from '../../generated/resource-v1.ts';
import { keyOf } from '../api/meta/object.ts';
import { claimNameOf, isReservedFor, whyNotOwned } from '../api/resource/pod-claims.ts';
import type { ControllerContext, ControllerDefinition, KeyQueue } from '../reconcile/controller.ts';
import type { Informer } from '../reconcile/informer.ts';
import { ClaimKeeper } from './resource-claim/claim-keeper.ts';
import { ClaimMaker } from './resource-claim/claim-maker.ts';
import { isDone, RecentUids } from './resource-claim/consumers.ts';
import { indexByController } from './shared/indexes.ts';
import { byResourceClaim, resourceClaimKeysOf } from './shared/pods-by-resource-claim.ts';

const name = 'resourceclaim-controller';
const byTemplate = 'resource-claim-template';
/** Keys of this queue. */
const podKey = (key: string) => `pod:${key}`;
const claimKey = (key: string) => `claim:${key}`;
const maxGone = 500;

export const resourceClaimController: ControllerDefinition = {
  name,
  setup(context, queue) {
    const controller = new ResourceClaimController(context, queue);
    return { name, workers: 10, reconcile: (key, signal) => controller.reconcile(key, signal) };
  },
};

class ResourceClaimController {
  readonly #queue: KeyQueue;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<ResourceClaim>;
  readonly #maker: ClaimMaker;
  readonly #keeper: ClaimKeeper;
  /** Pods that were seen to go: the server need not be asked. */
  readonly #gone = new RecentUids(maxGone);

  constructor(context: ControllerContext, queue: KeyQueue) {
    this.#queue = queue;
    const { informers } = context;
    this.#pods = informers.informer(podKind);
    this.#claims = informers.informer(resourceClaimKind);
    const templates = informers.informer(resourceClaimTemplateKind);
    this.#pods.addIndex(byResourceClaim, resourceClaimKeysOf);
    this.#pods.addIndex(byTemplate, templatesOf);
    indexByController(this.#claims);
    const world = { pods: this.#pods, claims: this.#claims, templates, gone: this.#gone };
    this.#maker = new ClaimMaker(context, world);
    this.#keeper = new ClaimKeeper(context, world);
    this.#pods.onChange({
      added: (pod) => this.#podChanged(pod),
      updated: (pod) => this.#podChanged(pod),
      deleted: (pod) => {
        if (!hasClaims(pod)) return;
        this.#gone.add(pod.metadata.uid ?? '');
        this.#maker.forget(pod);
        this.#release(pod);
      },
    });
    const claimChanged = (claim: ResourceClaim) => {
      queue.add(claimKey(keyOf(claim)));
      this.#usersChanged(claim);
    };
    this.#claims.onChange({
      added: (claim) => {
        this.#maker.seen(claim);
        claimChanged(claim);
      },
      updated: claimChanged,
      deleted: (claim) => this.#usersChanged(claim),
    });
    templates.onChange({
      added: (template) => this.#podsChanged(byTemplate, keyOf(template)),
      updated: (template) => this.#podsChanged(byTemplate, keyOf(template)),
    });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const colon = key.indexOf(':');
    const object = key.slice(colon + 1);
    if (key.startsWith('pod:')) await this.#reconcilePod(object, signal);
    else await this.#keeper.reconcile(object, signal);
  }

  async #reconcilePod(key: string, signal: AbortSignal): Promise<void> {
    const pod = this.#pods.find(key);
    if (!pod || pod.metadata.deletionTimestamp) return;
    await this.#maker.makeFor(pod, signal);
    // Who has no node yet is given its claims by the scheduler.
    if (pod.spec.nodeName) await this.#keeper.reserveFor(pod, signal);
  }

  #podChanged(pod: Pod): void {
    if (!hasClaims(pod)) return;
    if (isDone(pod)) this.#release(pod);
    if (this.#needsWork(pod)) this.#queue.add(podKey(keyOf(pod)));
  }

  #release(pod: Pod): void {
    for (const key of resourceClaimKeysOf(pod)) this.#queue.add(claimKey(key));
    const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName;
    if (extended) this.#queue.add(claimKey(`${pod.metadata.namespace}/${extended}`));
  }

  #usersChanged(claim: ResourceClaim): void {
    this.#podsChanged(byResourceClaim, keyOf(claim));
  }

  #podsChanged(index: string, value: string): void {
    for (const pod of this.#pods.byIndex(index, value)) this.#podChanged(pod);
  }

  /** A claim has to be made, or kept for a pod that somebody else gave a node. */
  #needsWork(pod: Pod): boolean {
    if (pod.metadata.deletionTimestamp) return false;
    return (pod.spec.resourceClaims ?? []).some((entry) => {
      const found = claimNameOf(pod, entry);
      if ('problem' in found) return true;
      if ('isUnneeded' in found) return false;
      const claim = this.#claims.find(`${pod.metadata.namespace}/${found.name}`);
      if (!claim) return entry.resourceClaimTemplateName !== undefined;
      if (found.mustBeOwned && whyNotOwned(pod, claim)) return false;
      return Boolean(pod.spec.nodeName && claim.status?.allocation && !isReservedFor(pod, claim));
    });
  }
}

const hasClaims = ({ spec, status }: Pod) =>
  (spec.resourceClaims?.length ?? 0) > 0 || status?.extendedResourceClaimStatus !== undefined;

function templatesOf(pod: Pod): string[] {
  return (pod.spec?.resourceClaims ?? []).flatMap(({ resourceClaimTemplateName }) =>
    resourceClaimTemplateName === undefined ? [] : [`${pod.metadata.namespace}/${resourceClaimTemplateName}`],
  );
}
