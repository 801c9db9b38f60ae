// Says in each ResourceQuota what its namespace uses. The API server charges what is created; this puts right what was
// freed, or charged and then not stored.
import type { ResourceQuota, ScopedResourceSelectorRequirement } from '../../generated/core-v1.ts';
import { persistentVolumeClaimKind, podKind, resourceQuotaKind, serviceKind } from '../../generated/kinds.ts';
import { isInScope, usageOf } from '../api/core/quota-usage.ts';
import { isEqual } from '../api/meta/equality.ts';
import { type KindRef, type KubernetesObject, keyOf } from '../api/meta/object.ts';
import { Quantity } from '../api/meta/quantity.ts';
import type { ControllerContext, ControllerDefinition, KeyQueue } from '../reconcile/controller.ts';
import type { Informer } from '../reconcile/informer.ts';
import { type DiscoveredResource, discover } from './shared/discover.ts';

/** Kinds whose objects count for more than one each. */
const measured: readonly KindRef<any>[] = [podKind, serviceKind, persistentVolumeClaimKind];
/** Events come in bursts: what a Deployment makes is counted once. */
const settleMs = 100;
const rediscoverMs = 60_000;

export const resourceQuotaController: ControllerDefinition = {
  name: 'resourcequota',
  setup(context, queue) {
    const controller = new ResourceQuotaController(context, queue);
    return { name: 'resourcequota', reconcile: (key, signal) => controller.reconcile(key, signal) };
  },
};

class ResourceQuotaController {
  readonly #context: ControllerContext;
  readonly #queue: KeyQueue;
  readonly #quotas: Informer<ResourceQuota>;
  /** Those that quotas have asked for so far, by `resource.group`. */
  readonly #counted = new Map<string, { kind: KindRef<KubernetesObject>; informer: Informer<KubernetesObject> }>();
  #served: { atMs: number; byName: Map<string, DiscoveredResource> } | undefined;

  constructor(context: ControllerContext, queue: KeyQueue) {
    this.#context = context;
    this.#queue = queue;
    this.#quotas = context.informers.informer(resourceQuotaKind);
    this.#quotas.onChange({
      added: (quota) => queue.add(keyOf(quota)),
      updated: (next, previous) => {
        if (!isEqual(next.spec, previous.spec) || !isEqual(next.status?.hard, next.spec?.hard)) queue.add(keyOf(next));
        // What was charged is looked at again: the object may not have been stored after all.
        else if (!isEqual(next.status?.used, previous.status?.used)) queue.addAfter(keyOf(next), 10 * settleMs);
      },
    });
    for (const kind of measured) this.#follow(kind, kind);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const quota = this.#quotas.find(key);
    if (!quota || quota.metadata.deletionTimestamp) return;
    const hard = quota.spec?.hard ?? {};
    const isComplete = await this.#followNamed(Object.keys(hard), signal);
    if (!isComplete) return this.#queue.addAfter(key, settleMs);
    const status = { hard, used: this.#usage(quota, Object.keys(hard)) };
    if (isEqual(status, quota.status)) return;
    await this.#context.client.resource(resourceQuotaKind).update({ ...quota, status }, { subresource: 'status' });
  }

  #usage(quota: ResourceQuota, names: readonly string[]): Record<string, string> {
    const totals = new Map(names.map((name) => [name, Quantity.zero]));
    const scopes: ScopedResourceSelectorRequirement[] = [
      ...(quota.spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' as const })),
      ...(quota.spec?.scopeSelector?.matchExpressions ?? []),
    ];
    for (const { kind, informer } of this.#counted.values()) {
      for (const object of informer.list(quota.metadata.namespace)) {
        if (!isInScope({ storage: kind }, object, scopes)) continue;
        for (const [name, value] of usageOf({ storage: kind }, object)) {
          const total = totals.get(name);
          if (total) totals.set(name, total.plus(value));
        }
      }
    }
    return Object.fromEntries([...totals].map(([name, total]) => [name, String(total)]));
  }

  /** Sees to it that every kind counted in a quota is followed. False while a cache is still filling. */
  async #followNamed(names: readonly string[], signal: AbortSignal): Promise<boolean> {
    for (const name of names) {
      const plural = name.startsWith('count/') ? name.slice('count/'.length) : name;
      const id = plural.includes('.') ? plural : `${plural}.`;
      if (this.#counted.has(id)) continue;
      const resource = (await this.#resources(signal)).get(id);
      if (resource?.verbs.includes('watch')) this.#follow(resource, { ...resource, metadataOnly: true });
    }
    return [...this.#counted.values()].every(({ informer }) => informer.hasSynced);
  }

  #follow(kind: KindRef<KubernetesObject>, asked: KindRef<any>): void {
    const informer: Informer<KubernetesObject> = this.#context.informers.informer(asked);
    this.#counted.set(`${kind.plural}.${kind.group}`, { kind, informer });
    const add = ({ metadata }: KubernetesObject) => {
      for (const quota of this.#quotas.list(metadata.namespace)) this.#queue.addAfter(keyOf(quota), settleMs);
    };
    const isMeasured = measured.includes(asked);
    informer.onChange({
      added: add,
      updated: (next, previous) => {
        // Counts do not change with an object; what is measured does, with its spec or its end.
        if (isMeasured && usageText(kind, next) !== usageText(kind, previous)) add(next);
      },
      deleted: add,
    });
  }

  async #resources(signal: AbortSignal): Promise<Map<string, DiscoveredResource>> {
    const nowMs = this.#context.clock.monotonicMs();
    if (!this.#served || nowMs - this.#served.atMs > rediscoverMs) {
      const { resources } = await discover(this.#context.client, signal);
      this.#served = { atMs: nowMs, byName: new Map(resources.map((each) => [`${each.plural}.${each.group}`, each])) };
    }
    return this.#served.byName;
  }
}

const usageText = (kind: KindRef<KubernetesObject>, object: KubernetesObject): string =>
  [...usageOf({ storage: kind }, object)].join();
