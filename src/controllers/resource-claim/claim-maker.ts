// Makes the claims that a pod's templates ask for, and writes their names into the pod's status.
import type { Pod, PodResourceClaim } from '../../../generated/core-v1.ts';
import { podKind, resourceClaimKind } from '../../../generated/kinds.ts';
import type { ResourceClaim, ResourceClaimTemplate } from '../../../generated/resource-v1.ts';
import { keyOf, splitKey } from '../../api/meta/object.ts';
import { claimNameOf, podClaimAnnotation, whyNotOwned } from '../../api/resource/pod-claims.ts';
import { about } from '../../reconcile/about.ts';
import type { ControllerContext } from '../../reconcile/controller.ts';
import type { Informer, Lister } from '../../reconcile/informer.ts';
import { controlledBy } from '../shared/indexes.ts';

const maxBaseLength = 57;
const fieldManager = 'ResourceClaimController';

export interface ClaimWorld {
  readonly pods: Lister<Pod>;
  readonly claims: Informer<ResourceClaim>;
  readonly templates: Lister<ResourceClaimTemplate>;
  readonly gone: { has(uid: string): boolean };
}

export class ClaimMaker {
  readonly #context: ControllerContext;
  readonly #world: ClaimWorld;
  readonly #recorder;
  /** Pod's uid → entry → claim that was made and may not have been seen yet. */
  readonly #made = new Map<string, Map<string, string>>();

  constructor(context: ControllerContext, world: ClaimWorld) {
    this.#context = context;
    this.#world = world;
    this.#recorder = context.recorder('resource_claim');
  }

  forget(pod: Pod): void {
    this.#made.delete(pod.metadata.uid ?? '');
  }

  /** The cache shows it: from now on the cache is asked. */
  seen({ metadata }: ResourceClaim): void {
    const owner = metadata.ownerReferences?.find(({ controller }) => controller)?.uid ?? '';
    const made = this.#made.get(owner);
    made?.delete(metadata.annotations?.[podClaimAnnotation] ?? '');
    if (made?.size === 0) this.#made.delete(owner);
  }

  async makeFor(pod: Pod, signal: AbortSignal): Promise<void> {
    const names = new Map<string, string>();
    let hasNew = false;
    for (const entry of pod.spec.resourceClaims ?? []) {
      const known = this.#knownName(pod, entry);
      const name = known ?? (await this.#ensure(pod, entry, signal));
      if (name !== undefined && entry.resourceClaimTemplateName !== undefined) names.set(entry.name, name);
      hasNew ||= known === undefined && name !== undefined;
    }
    if (!hasNew) return;
    const resourceClaimStatuses = [...names].map(([name, resourceClaimName]) => ({ name, resourceClaimName }));
    const { namespace, name } = pod.metadata;
    const applied = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace },
      status: { resourceClaimStatuses },
    };
    const options = { type: 'apply', subresource: 'status', fieldManager, force: true, signal } as const;
    await this.#context.client.resource(podKind).patch(splitKey(keyOf(pod)), applied, options);
  }

  /** Of a claim that is there, or is not ours to make. */
  #knownName(pod: Pod, entry: PodResourceClaim): string | undefined {
    const found = claimNameOf(pod, entry);
    if (!('name' in found)) return undefined;
    const claim = this.#world.claims.find(`${pod.metadata.namespace}/${found.name}`);
    if (claim && !(found.mustBeOwned && whyNotOwned(pod, claim))) return found.name;
    const isJustMade = this.#madeFor(pod, entry) === found.name;
    return isJustMade || entry.resourceClaimTemplateName === undefined ? found.name : undefined;
  }

  /** Undefined: the pod does not need one. */
  async #ensure(pod: Pod, entry: PodResourceClaim, signal: AbortSignal): Promise<string | undefined> {
    try {
      const found = claimNameOf(pod, entry);
      if ('isUnneeded' in found) return undefined;
      if ('problem' in found && !found.isNotMade) {
        throw new Error(`checking for claim before creating it: ${found.problem}`);
      }
      if (entry.resourceClaimTemplateName === undefined) return undefined;
      return this.#orphan(pod, entry) ?? (await this.#make(pod, entry, signal));
    } catch (error) {
      if (signal.aborted) throw error;
      const problem = `PodResourceClaim ${entry.name}: ${(error as Error).message}`;
      this.#recorder.event(about(podKind, pod), 'Warning', 'FailedResourceClaimCreation', problem);
      throw new Error(`pod ${keyOf(pod)}, ${problem}`);
    }
  }

  /** Made before, but not written into the pod's status. */
  #orphan(pod: Pod, entry: PodResourceClaim): string | undefined {
    const seen = controlledBy(this.#world.claims, pod.metadata.uid).find(
      ({ metadata }) => metadata.annotations?.[podClaimAnnotation] === entry.name,
    );
    return seen?.metadata.name ?? this.#madeFor(pod, entry);
  }

  #madeFor(pod: Pod, entry: PodResourceClaim): string | undefined {
    return this.#made.get(pod.metadata.uid ?? '')?.get(entry.name);
  }

  async #make(pod: Pod, entry: PodResourceClaim, signal: AbortSignal): Promise<string> {
    const { namespace, name, uid } = pod.metadata;
    const templateName = entry.resourceClaimTemplateName!;
    const template = this.#world.templates.find(`${namespace}/${templateName}`);
    if (!template) {
      const missing = `resourceclaimtemplate.resource.k8s.io "${templateName}" not found`;
      throw new Error(`resource claim template "${templateName}": ${missing}`);
    }
    const { labels, annotations } = template.spec.metadata ?? {};
    const metadata = {
      namespace: namespace!,
      generateName: baseName(name, entry.name),
      annotations: { ...annotations, [podClaimAnnotation]: entry.name },
      ...(labels ? { labels } : {}),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid: uid!, controller: true }],
    };
    let claim: ResourceClaim;
    try {
      claim = await this.#context.client
        .resource(resourceClaimKind)
        .create({ metadata, spec: template.spec.spec }, { signal });
    } catch (error) {
      throw new Error(`create ResourceClaim : ${(error as Error).message}`);
    }
    const made = this.#made.get(uid ?? '') ?? new Map<string, string>();
    this.#made.set(uid ?? '', made.set(entry.name, claim.metadata.name));
    return claim.metadata.name;
  }
}

/** Both names stay visible when they are too long together. */
function baseName(pod: string, entry: string): string {
  const whole = `${pod}-${entry}-`;
  if (whole.length <= maxBaseLength) return whole;
  const share = (text: string) => text.slice(0, Math.floor((text.length * maxBaseLength) / whole.length));
  return `${share(pod)}-${share(entry)}`;
}
