// DELETE as upstream does it: preconditions, graceful periods, finalizers for orphaning and foreground deletion, and at
// last the removal.
import type { DeleteOptions } from '../../../generated/meta-v1.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { conflict, notFound, optimisticLockMessage } from '../../api/meta/status-error.ts';
import { rfc3339 } from '../../base/clock.ts';
import { inSlices } from '../../base/turns.ts';
import { canonical } from '../../schema/codec.ts';
import { CompareFailedError } from '../../store/store.ts';
import type { Entry } from '../registry/entry.ts';
import { commitDeletion, commitObject, storedBytes, unstoredEntry } from '../registry/write-objects.ts';
import { admit, checkAdmission, type WriteCall } from './admit.ts';
import { checkNamespacePreconditions, checkPreconditions } from './preconditions.ts';

export interface Deleted {
  /** As it was last, or as it now waits. */
  readonly entry: Entry;
  /** False while finalizers or a grace period hold it. */
  readonly isGone: boolean;
}

const attempts = 10;

export async function deleteObject(call: WriteCall, options: DeleteOptions): Promise<Deleted> {
  const { registry } = call.server;
  for (let attempt = 1; ; attempt++) {
    const waiting = registry.headOf(call.resource).waitForHead(call.signal);
    if (waiting) await waiting;
    const entry = registry.cacheOf(call.resource).find(call.namespace, call.name);
    const resourceName = { group: call.resource.group, name: call.resource.plural };
    if (!entry) throw notFound(resourceName, call.name);
    try {
      return await deleteOnce(call, options, entry);
    } catch (error) {
      if (!(error instanceof CompareFailedError)) throw error;
      if (attempt === attempts) throw conflict(resourceName, call.name, optimisticLockMessage);
      if (error.current) await registry.headOf(call.resource).waitFor(error.current.modRevision, call.signal);
    }
  }
}

async function deleteOnce(call: WriteCall, options: DeleteOptions, entry: Entry): Promise<Deleted> {
  const { slices } = call;
  const reading = inSlices(entry.objectSteps(), slices);
  if (reading instanceof Promise) await reading;
  const kind = { group: call.resource.storage.group, name: call.resource.kind };
  const found = { uid: entry.object.metadata.uid, resourceVersion: String(entry.revision) };
  if (isNamespace(call)) checkNamespacePreconditions(call.name, options.preconditions ?? {}, found);
  checkPreconditions(kind, call.name, options.preconditions ?? {}, found);
  await admit(call, { operation: 'DELETE', oldObject: entry.object });
  await checkAdmission(call, { operation: 'DELETE', oldObject: entry.object });
  if (slices?.isDue) await slices.pause();
  const plan = planDeletion(call, options, entry);
  if (slices?.isDue) await slices.pause();
  if (!plan.next) {
    if (plan.isPending) return { entry, isGone: false };
    return remove(call, entry, undefined);
  }
  const next = canonical<KubernetesObject>(call.resource.storage.typeName, plan.next);
  if (plan.goesNow) return remove(call, entry, next);
  const { registry } = call.server;
  if (call.isDryRun) return { entry: unstoredEntry(registry, call.resource, next, entry.revision), isGone: false };
  const bytes = storedBytes(call.resource, next);
  if (bytes.equals(entry.stored())) return { entry, isGone: false };
  return { entry: await commitObject(registry, call.resource, entry, bytes, entry.revision), isGone: false };
}

async function remove(call: WriteCall, entry: Entry, last: KubernetesObject | undefined): Promise<Deleted> {
  const { registry } = call.server;
  const revision = call.isDryRun ? entry.revision : await commitDeletion(registry, call.resource, entry);
  if (!last) return { entry, isGone: true };
  return { entry: unstoredEntry(registry, call.resource, last, revision), isGone: true };
}

interface DeletionPlan {
  /** What to store while the object waits, or show when it goes. Absent: nothing changes. */
  readonly next?: KubernetesObject;
  /** Already waiting, and this request changes nothing. */
  readonly isPending?: boolean;
  readonly goesNow?: boolean;
}

function planDeletion(call: WriteCall, options: DeleteOptions, entry: Entry): DeletionPlan {
  const nowMs = call.server.clock.now();
  const next = entry.copy();
  if (isNamespace(call)) {
    const plan = planNamespace(call, options, next, nowMs);
    if (plan) return plan;
  }
  if (!next.metadata.deletionTimestamp) call.resource.rules.prepareForDelete?.(next, nowMs);
  const grace = planGrace(call, options, next, nowMs);
  if (grace === 'pending') return { isPending: true };
  const finalizers = collectorFinalizers(call, options, next);
  const changesFinalizers = !sameList(finalizers, next.metadata.finalizers ?? []);
  const hasFinalizers = finalizers.length > 0;
  if (changesFinalizers) setFinalizers(next, finalizers);
  if (hasFinalizers && grace === 'none') markDeleted(next, nowMs);
  if (hasFinalizers) return { next };
  if (grace === 'wait') return { next };
  return grace === 'now' || changesFinalizers ? { next, goesNow: true } : {};
}

function setFinalizers(object: KubernetesObject, finalizers: string[]): void {
  if (finalizers.length > 0) object.metadata.finalizers = finalizers;
  else delete object.metadata.finalizers;
}

const sameList = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((each, i) => each === b[i]);

function markDeleted({ metadata }: KubernetesObject, nowMs: number): void {
  if (!metadata.deletionTimestamp) {
    metadata.deletionTimestamp = rfc3339(nowMs);
    if ((metadata.generation ?? 0) > 0) metadata.generation = metadata.generation! + 1;
  }
  metadata.deletionGracePeriodSeconds = 0;
}

/**
 * Graceful deletion, written into `next`. `none`: the kind has none; `wait`: it stays for its period; `now`: the period
 * is over; `pending`: it waits already and this request does not shorten that.
 */
function planGrace(
  call: WriteCall,
  options: DeleteOptions,
  next: KubernetesObject,
  nowMs: number,
): 'none' | 'wait' | 'now' | 'pending' {
  const { metadata } = next;
  const { rules } = call.resource;
  if (!rules.graceSeconds) return 'none';
  const given = options.gracePeriodSeconds ?? undefined;
  const asked = given !== undefined && given < 0 ? 1 : given;
  if (metadata.deletionTimestamp) {
    const before = metadata.deletionGracePeriodSeconds;
    if (before === undefined || before === 0) return 'none';
    if (asked === undefined || asked >= before) return 'pending';
    const endsMs = Date.parse(metadata.deletionTimestamp) - (before - asked) * 1000;
    // Whoever ends it sees the shortened period before it is over, even if it would be by now.
    const period = endsMs < nowMs && asked !== 0 ? 1 : asked;
    metadata.deletionTimestamp = rfc3339(Math.max(endsMs, nowMs));
    metadata.deletionGracePeriodSeconds = period;
    return period === 0 ? 'now' : 'wait';
  }
  const period = rules.graceSeconds(next, asked);
  if (period === undefined) return 'none';
  metadata.deletionTimestamp = rfc3339(nowMs + period * 1000);
  metadata.deletionGracePeriodSeconds = period;
  if ((metadata.generation ?? 0) > 0) metadata.generation = metadata.generation! + 1;
  return period === 0 ? 'now' : 'wait';
}

/** The object's finalizers with those that tell the garbage collector what the client wants of the dependents. */
function collectorFinalizers(call: WriteCall, options: DeleteOptions, { metadata }: KubernetesObject): string[] {
  const existing = metadata.finalizers ?? [];
  const { defaultPropagation } = call.resource.rules;
  const wanted = defaultPropagation === 'none' ? undefined : collectorWish(call, options, existing);
  const others = existing.filter((each) => each !== 'orphan' && each !== 'foregroundDeletion');
  return wanted ? [...others, wanted] : others;
}

function collectorWish(
  { resource }: WriteCall,
  options: DeleteOptions,
  existing: readonly string[],
): string | undefined {
  if (options.orphanDependents !== undefined && options.orphanDependents !== null) {
    return options.orphanDependents ? 'orphan' : undefined;
  }
  switch (options.propagationPolicy) {
    case 'Orphan':
      return 'orphan';
    case 'Foreground':
      return 'foregroundDeletion';
    case 'Background':
      return undefined;
  }
  if (existing.includes('orphan')) return 'orphan';
  if (existing.includes('foregroundDeletion')) return 'foregroundDeletion';
  return resource.rules.defaultPropagation === 'orphan' ? 'orphan' : undefined;
}

export const isNamespace = ({ resource }: Pick<WriteCall, 'resource'>): boolean =>
  resource.storage.group === '' && resource.storage.plural === 'namespaces';

/**
 * A namespace waits until its content is gone: its controller empties `spec.finalizers` then. The first request only says that
 * it is to go; undefined once nothing but its finalizers holds it.
 */
function planNamespace(
  call: WriteCall,
  options: DeleteOptions,
  next: KubernetesObject,
  nowMs: number,
): DeletionPlan | undefined {
  const namespace = next as KubernetesObject & { spec?: { finalizers?: string[] }; status?: { phase?: string } };
  const { metadata } = namespace;
  if (metadata.deletionTimestamp) return namespace.spec?.finalizers?.length ? { isPending: true } : undefined;
  setFinalizers(next, collectorFinalizers(call, options, next));
  metadata.deletionTimestamp = rfc3339(nowMs);
  namespace.status = { ...namespace.status, phase: 'Terminating' };
  return { next };
}
