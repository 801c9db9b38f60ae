// Says in each ResourceQuota what its namespace uses. The API server charges what is created; this puts right what was
// freed, or charged and then not stored.
import type { ResourceQuota, ScopedResourceSelectorRequirement } from '../../generated/core-v1.ts';
import {
  persistentVolumeClaimKind,
  podKind,
  resourceClaimKind,
  resourceQuotaKind,
  serviceKind,
} from '../../generated/kinds.ts';
import { isInScope, usageOf } from '../api/core/quota-usage.ts';
import { isEqual } from '../api/meta/equality.ts';
import { type KindRef, type KubernetesObject, keyOf } from '../api/meta/object.ts';
import { Quantity, quantityOf } from '../api/meta/quantity.ts';
import type { ControllerContext, ControllerDefinition, KeyQueue } from '../reconcile/controller.ts';
import type { Informer } from '../reconcile/informer.ts';
import { type DiscoveredResource, discover } from './shared/discover.ts';

/** Kinds whose objects count for more than one each. */
const measured: readonly KindRef<any>[] = [podKind, serviceKind, persistentVolumeClaimKind];
const deviceSuffix = '.deviceclass.resource.k8s.io/devices';
/** Events come in bursts: what a Deployment makes is counted once. */
const settleMs = 100;
const rediscoverMs = 60_000;
/** A request that was let in has stored its object by then: what it was charged for can be counted. */
const underWayMs = 1000;

export const resourceQuotaController: ControllerDefinition = {
  name: 'resourcequota',
  setup(context, queue) {
    const controller = new ResourceQuotaController(context, queue);
    return { name: 'resourcequota', reconcile: (key, signal) => controller.reconcile(key, signal) };
  },
};

interface Counted {
  readonly kind: KindRef<KubernetesObject>;
  /** The same, or its metadata alone. */
  readonly asked: KindRef<any>;
  readonly informer: Informer<KubernetesObject>;
}

class ResourceQuotaController {
  readonly #context: ControllerContext;
  readonly #queue: KeyQueue;
  readonly #quotas: Informer<ResourceQuota>;
  /** Those that quotas have asked for so far, by `resource.group`. */
  readonly #counted = new Map<string, Counted>();
  /** When usage was last charged, by key: until the caches have seen what it was for, nothing is given back. */
  readonly #charged = new Map<string, { version: bigint; atMs: number }>();
  /** What this controller wrote last, or tried to, over which version, by key. */
  readonly #written = new Map<string, { over: string | undefined; status: ResourceQuota['status'] }>();
  #served: { atMs: number; byName: Map<string, DiscoveredResource> } | undefined;

  constructor(context: ControllerContext, queue: KeyQueue) {
    this.#context = context;
    this.#queue = queue;
    this.#quotas = context.informers.informer(resourceQuotaKind);
    this.#quotas.onChange({
      added: (quota) => {
        this.#noteCharge(quota);
        queue.add(keyOf(quota));
      },
      deleted: (quota) => {
        this.#charged.delete(keyOf(quota));
        this.#written.delete(keyOf(quota));
      },
      updated: (next, previous) => {
        const isCharge = !this.#isOwnWrite(next, previous);
        if (isCharge) this.#noteCharge(next);
        if (!isEqual(next.spec, previous.spec) || !isEqual(next.status?.hard, next.spec?.hard)) queue.add(keyOf(next));
        // What was charged is looked at again: the object may not have been stored after all.
        else if (isCharge || !isEqual(next.status?.used, previous.status?.used))
          queue.addAfter(keyOf(next), 10 * settleMs);
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
    const names = Object.keys(hard).filter((name) => this.#isCountable(name));
    const before = quota.status?.used ?? {};
    let used = this.#usage(quota, names, ({ informer }) => informer.list(quota.metadata.namespace));
    // What the caches have not shown yet must not be forgotten: more would be let in than there is room for.
    if (!isEqual(quota.status?.hard, hard)) used = await this.#askUsage(quota, names, signal);
    else if (isMore(before, used)) {
      const charged = this.#charged.get(key);
      const leftMs = charged ? charged.atMs + underWayMs - this.#context.clock.monotonicMs() : 0;
      if (leftMs > 0) {
        used = most(before, used);
        this.#queue.addAfter(key, leftMs);
      } else if (charged && !this.#hasSeen(charged.version, names)) used = await this.#askUsage(quota, names, signal);
    }
    const status = { hard, used };
    if (isEqual(status, quota.status)) return;
    this.#written.set(key, { over: quota.metadata.resourceVersion, status });
    await this.#context.client.resource(resourceQuotaKind).update({ ...quota, status }, { subresource: 'status' });
  }

  /** What nobody can count is not said to be used. */
  #isCountable(name: string): boolean {
    if (name.startsWith('count/')) return this.#counted.has(idOf(name));
    return !name.includes('/') || /^requests\.|\.(?:storageclass\.storage|deviceclass\.resource)\.k8s\.io\//.test(name);
  }

  /** All else is taken for a charge, even when less is used than before: after a gap in the watch it may hide one. */
  #isOwnWrite(next: ResourceQuota, previous: ResourceQuota): boolean {
    const written = this.#written.get(keyOf(next));
    return written?.over === previous.metadata.resourceVersion && isEqual(next.status, written?.status);
  }

  #noteCharge({ metadata }: ResourceQuota): void {
    const version = BigInt(metadata.resourceVersion ?? 0);
    this.#charged.set(`${metadata.namespace}/${metadata.name}`, {
      version,
      atMs: this.#context.clock.monotonicMs(),
    });
  }

  /** The caches of what these names count are at least as new as the version. */
  #hasSeen(version: bigint, names: readonly string[]): boolean {
    return [...this.#counted.values()].every(
      ({ kind, informer }) => !isCountedBy(kind, names) || BigInt(informer.seenVersion || 0) >= version,
    );
  }

  /** Asks the server, not the caches. */
  async #askUsage(
    quota: ResourceQuota,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<Record<string, string>> {
    const { namespace = '' } = quota.metadata;
    const listed = new Map<Counted, readonly KubernetesObject[]>();
    for (const counted of this.#counted.values()) {
      if (!isCountedBy(counted.kind, names)) continue;
      const found: KubernetesObject[] = [];
      let next: string | undefined;
      do {
        const page = { namespace, limit: 500, signal, ...(next ? { continue: next } : {}) };
        const { items, metadata } = await this.#context.client.resource(counted.asked).list(page);
        found.push(...items);
        next = metadata.continue || undefined;
      } while (next);
      listed.set(counted, found);
    }
    return this.#usage(quota, names, (counted) => listed.get(counted) ?? []);
  }

  #usage(
    quota: ResourceQuota,
    names: readonly string[],
    list: (counted: Counted) => readonly KubernetesObject[],
  ): Record<string, string> {
    const totals = new Map(names.map((name) => [name, Quantity.zero]));
    const scopes: ScopedResourceSelectorRequirement[] = [
      ...(quota.spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' as const })),
      ...(quota.spec?.scopeSelector?.matchExpressions ?? []),
    ];
    for (const counted of this.#counted.values()) {
      const { kind } = counted;
      for (const object of list(counted)) {
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
      if (name.endsWith(deviceSuffix) && !this.#counted.has(idOfKind(resourceClaimKind)))
        this.#follow(resourceClaimKind, resourceClaimKind);
      const id = idOf(name);
      if (this.#counted.has(id)) continue;
      const resource = (await this.#resources(signal)).get(id);
      if (resource?.namespaced && resource.verbs.includes('watch'))
        this.#follow(resource, { ...resource, metadataOnly: true });
    }
    return [...this.#counted.values()].every(({ informer }) => informer.hasSynced);
  }

  #follow(kind: KindRef<KubernetesObject>, asked: KindRef<any>): void {
    const informer: Informer<KubernetesObject> = this.#context.informers.informer(asked);
    this.#counted.set(idOfKind(kind), { kind, asked, informer });
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

/** `count/deployments.apps` → `deployments.apps`, `configmaps` → `configmaps.` */
function idOf(name: string): string {
  const plural = name.startsWith('count/') ? name.slice('count/'.length) : name;
  return plural.includes('.') ? plural : `${plural}.`;
}

const idOfKind = ({ plural, group }: KindRef<any>) => `${plural}.${group}`;

const usageText = (kind: KindRef<KubernetesObject>, object: KubernetesObject): string =>
  [...usageOf({ storage: kind }, object)].join();

type Amounts = Readonly<Record<string, string>> | undefined;

/** Some of the first are more than those of the second. */
function isMore(a: Amounts, b: Amounts): boolean {
  return Object.entries(a ?? {}).some(([name, value]) => quantityOf(value).compare(quantityOf(b?.[name] ?? '0')) > 0);
}

function most(a: Record<string, string>, b: Record<string, string>): Record<string, string> {
  const larger = (name: string, value: string) =>
    quantityOf(value).compare(quantityOf(a[name] ?? '0')) < 0 ? a[name]! : value;
  return Object.fromEntries(Object.entries(b).map(([name, value]) => [name, larger(name, value)]));
}

/** Whether objects of the kind can matter to what these names count. */
function isCountedBy({ plural, group }: KindRef<KubernetesObject>, names: readonly string[]): boolean {
  const full = group ? `${plural}.${group}` : plural;
  return names.some((name) => {
    if (name === plural || name === `count/${full}`) return true;
    if (name.startsWith('count/')) return false;
    if (plural === 'resourceclaims') return name.endsWith(deviceSuffix);
    if (plural === 'services') return name.startsWith('services.');
    const isStorage = name === 'requests.storage' || name.includes('.storageclass.storage.k8s.io/');
    if (plural === 'persistentvolumeclaims') return isStorage;
    return plural === 'pods' && !isStorage && !name.startsWith('services.');
  });
}
