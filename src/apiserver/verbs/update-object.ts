// A stored object changes: read, change, admit, prepare, validate, commit; again when someone wrote in between.
import type { SubresourceRules } from '../../api/kind.ts';
import { FieldErrors, path } from '../../api/meta/field-errors.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { validateMetadataLast, validateMetadataUpdate } from '../../api/meta/object-meta-validation.ts';
import { conflict, invalid, notFound, optimisticLockMessage } from '../../api/meta/status-error.ts';
import { parseStored } from '../../base/big-integers.ts';
import { inSlices } from '../../base/turns.ts';
import { sameValue } from '../../schema/same-value.ts';
import { CompareFailedError } from '../../store/store.ts';
import type { PartKind } from '../admission/plugin.ts';
import { resolving, resolvingRarely } from '../crd/conversion/pending.ts';
import { canonicalObject } from '../managed-fields/canonical-object.ts';
import type { Entry } from '../registry/entry.ts';
import { commitDeletion, commitObject, storedBytes, unstoredEntry } from '../registry/write-objects.ts';
import { admit, checkAdmission, hasJudges, judgedByPlugins, type WriteCall } from './admit.ts';
import { createObject } from './create-object.ts';
import { judged, judgedAsGiven } from './given-empties.ts';

export interface UpdatePlan {
  /** What to store, made from the current object (frozen; absent: it is to be created). Called again after a lost race. */
  readonly change: (current: KubernetesObject | undefined) => Promise<KubernetesObject> | KubernetesObject;
  /** The change may be made again on a newer object; else a lost race is the client's to solve. */
  readonly mayRetry: boolean;
  readonly mayCreate?: boolean;
  /** The uid in the object sent must be the stored one's; else it is a field like any other. */
  readonly checksUid?: boolean;
  readonly uidPrecondition?: string | undefined;
  /** Admission sees a part of the object as an object of its own: a Scale. */
  readonly part?: AdmittedPart;
}

export interface AdmittedPart {
  readonly kind: PartKind;
  show(object: KubernetesObject): KubernetesObject;
  /** Puts what admission made of it back into the object. */
  take(object: KubernetesObject, shown: KubernetesObject): void;
}

export interface Updated {
  readonly entry: Entry;
  readonly isCreated: boolean;
}

const attempts = 10;

export async function updateObject(call: WriteCall, plan: UpdatePlan): Promise<Updated> {
  const { registry } = call.server;
  for (let attempt = 1; ; attempt++) {
    const waiting = registry.headOf(call.resource).waitForHead(call.signal);
    if (waiting) await waiting;
    const entry = registry.cacheOf(call.resource).find(call.namespace, call.name);
    if (!entry) return { entry: await createInstead(call, plan), isCreated: true };
    try {
      return { entry: await updateOnce(call, plan, entry), isCreated: false };
    } catch (error) {
      if (!(error instanceof CompareFailedError)) throw error;
      if (!plan.mayRetry || attempt === attempts) throw conflict(resourceName(call), call.name, optimisticLockMessage);
      // The cache has the winner's write, or will in a moment.
      if (error.current) await registry.headOf(call.resource).waitFor(error.current.modRevision, call.signal);
    }
  }
}

const resourceName = ({ resource }: WriteCall) => ({ group: resource.group, name: resource.plural });

async function createInstead(call: WriteCall, plan: UpdatePlan): Promise<Entry> {
  if (!plan.mayCreate) throw notFound(resourceName(call), call.name);
  const object = await resolving(() => plan.change(undefined));
  if (object.metadata.resourceVersion && object.metadata.resourceVersion !== '0') {
    throw notFound(resourceName(call), call.name);
  }
  delete object.metadata.resourceVersion;
  return createObject(call, object);
}

function checkUid(call: WriteCall, uid: string | undefined, current: KubernetesObject): void {
  if (!uid || uid === current.metadata.uid) return;
  const { resource } = call;
  const key = `/registry/${upstreamPrefix(resource.plural)}/${call.namespace ? `${call.namespace}/` : ''}${call.name}`;
  throw conflict(
    resourceName(call),
    call.name,
    `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`,
  );
}

/** Where upstream keeps a few resources: its conflict messages say so. */
const upstreamPrefixes: Record<string, string> = {
  replicationcontrollers: 'controllers',
  nodes: 'minions',
  services: 'services/specs',
  endpoints: 'services/endpoints',
  podsecuritypolicies: 'podsecuritypolicy',
};
const upstreamPrefix = (plural: string) => upstreamPrefixes[plural] ?? plural;

function checkVersion(call: WriteCall, next: KubernetesObject, entry: Entry): void {
  const version = next.metadata.resourceVersion;
  if (version === undefined || version === '' || version === '0') {
    if (call.resource.rules.allowsUnconditionalUpdate === false && !call.skipsValidation) {
      const errors = new FieldErrors();
      errors.invalid(path('metadata.resourceVersion'), 0, 'must be specified for an update');
      throw invalid(resourceName(call), call.name, errors.summary(), errors.causes());
    }
    next.metadata.resourceVersion = String(entry.revision);
  } else if (version !== String(entry.revision)) {
    throw conflict(resourceName(call), call.name, optimisticLockMessage);
  }
}

async function updateOnce(call: WriteCall, plan: UpdatePlan, entry: Entry): Promise<Entry> {
  const { resource, server } = call;
  const { slices } = call;
  if (slices?.isDue) await slices.pause();
  const reading = inSlices(entry.objectSteps(), slices);
  const current = reading instanceof Promise ? await reading : reading;
  if (slices?.isDue) await slices.pause();
  checkUid(call, plan.uidPrecondition, current);
  const draft = await resolving(() => plan.change(current));
  if (slices?.isDue) await slices.pause();
  if (plan.checksUid) checkUid(call, draft.metadata.uid, current);
  checkVersion(call, draft, entry);
  const { part } = plan;
  const shown = part ? part.show(draft) : draft;
  const admitted = { operation: 'UPDATE', oldObject: part ? part.show(current) : current, kind: part?.kind } as const;
  await admit(call, { ...admitted, object: shown });
  if (slices?.isDue) await slices.pause();
  part?.take(draft, shown);
  const rules = subresourceRules(call);
  carryOver(draft, current);
  const context = { nowMs: server.clock.now(), isDryRun: call.isDryRun };
  if (rules) rules.prepareForUpdate(draft, current, context);
  else if (!call.subresource || call.subresource === 'scale') {
    resource.rules.prepareForUpdate?.(draft, current, context); // a Scale writes the spec: that is a new generation
  }
  if (slices?.isDue) await slices.pause();
  const { object: next, stored } = canonicalObject(resource.storage.typeName, draft);
  if (slices?.isDue) await slices.pause();
  using _reserved = call.subresource ? undefined : server.addresses.reserve(resource, next, current, call.isDryRun);
  if (!call.skipsValidation) {
    const first = hasJudges(call) ? await judgedByPlugins(call, { ...admitted, object: next }) : undefined;
    const judging = validateUpdate(call, next, current, rules, first);
    if (judging) await judging;
  }
  if (slices?.isDue) await slices.pause();
  const stamped = next.metadata.resourceVersion;
  if (!call.subresource) for (const text of resource.rules.warnings?.(next, current) ?? []) call.warn(text);
  if (slices?.isDue) await slices.pause();
  const kept = stored();
  const bytes = storedBytes(resource, kept);
  if (slices?.isDue) await slices.pause();
  next.metadata.resourceVersion = kept.metadata.resourceVersion = stamped!;
  await checkAdmission(call, { ...admitted, object: part ? part.show(next) : next });
  if (slices?.isDue) await slices.pause();
  if (isReadyToGo(next, current)) return removeUpdated(call, bytes, entry);
  if (isUnchanged(bytes, kept, entry) && !(await server.registry.store.isStale?.(entry.key))) return entry;
  if (call.isDryRun)
    return unstoredEntry(server.registry, resource, parseStored(bytes) as KubernetesObject, entry.revision);
  return await commitObject(server.registry, resource, entry, bytes, entry.revision);
}

function subresourceRules({ resource, subresource }: WriteCall): SubresourceRules<KubernetesObject> | undefined {
  return subresource ? resource.rules.subresources?.[subresource] : undefined;
}

/** What a client cannot change is taken from the stored object, so that leaving it out is not a change. */
function carryOver(next: KubernetesObject, current: KubernetesObject): void {
  const { metadata } = next;
  const was = current.metadata;
  delete metadata.selfLink;
  metadata.uid ||= was.uid!;
  metadata.creationTimestamp = was.creationTimestamp!;
  if (was.generation === undefined) delete metadata.generation;
  else metadata.generation = was.generation;
  if (metadata.deletionTimestamp == null && was.deletionTimestamp) metadata.deletionTimestamp = was.deletionTimestamp;
  if (metadata.deletionGracePeriodSeconds == null && was.deletionGracePeriodSeconds !== undefined) {
    metadata.deletionGracePeriodSeconds = was.deletionGracePeriodSeconds;
  }
}

function validateUpdate(
  call: WriteCall,
  next: KubernetesObject,
  current: KubernetesObject,
  rules: SubresourceRules<KubernetesObject> | undefined,
  first: FieldErrors | undefined,
): void | Promise<void> {
  const { resource } = call;
  const { nameRule, takesAnyFinalizer } = resource.rules;
  const looks = call.subresource ? rules?.metadataLooks : resource.rules.metadataLooks;
  const metadataRules = { namespaced: resource.namespaced, nameRule, takesAnyFinalizer, looks };
  const judge = (errors: FieldErrors) => {
    if (first) errors.append(first);
    validateMetadataUpdate(next.metadata, current.metadata, metadataRules, errors);
    if (call.subresource) {
      rules?.validateUpdate?.(next, current, errors);
      validateMetadataLast(next.metadata, current.metadata, metadataRules, errors);
      return;
    }
    const { judgesChangesFirst } = resource.rules;
    if (judgesChangesFirst) resource.rules.validateUpdate?.(next, current, errors);
    resource.rules.validate?.(next, errors);
    validateMetadataLast(next.metadata, current.metadata, metadataRules, errors);
    if (!judgesChangesFirst) resource.rules.validateUpdate?.(next, current, errors);
  };
  const refuse = (found: FieldErrors): void => {
    if (found.isEmpty) return;
    const errors = judgedAsGiven(call, next, found, judge);
    throw invalid({ group: resource.storage.group, name: resource.kind }, call.name, errors.summary(), errors.causes());
  };
  const judging = resolvingRarely(() => judged(judge));
  return judging instanceof Promise ? judging.then(refuse) : refuse(judging);
}

/** Being deleted, and nothing holds it any longer. */
function isReadyToGo(next: KubernetesObject, current: KubernetesObject): boolean {
  if (!current.metadata.deletionTimestamp || (next.metadata.finalizers?.length ?? 0) > 0) return false;
  const specFinalizers = (next as { spec?: { finalizers?: unknown[] } }).spec?.finalizers;
  if (next.kind === 'Namespace' && (specFinalizers?.length ?? 0) > 0) return false;
  return (next.metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

async function removeUpdated(call: WriteCall, bytes: Buffer, entry: Entry): Promise<Entry> {
  const { server, resource } = call;
  const object = parseStored(bytes) as KubernetesObject;
  if (call.isDryRun) return unstoredEntry(server.registry, resource, object, entry.revision);
  const revision = await commitDeletion(server.registry, resource, entry);
  return unstoredEntry(server.registry, resource, object, revision);
}

/** A write that changes nothing is not a write. */
function isUnchanged(bytes: Buffer, next: KubernetesObject, entry: Entry): boolean {
  if (entry.isStoredAs(bytes)) return true;
  // Keys in another order are as long.
  return bytes.length === entry.storedLength && sameValue(next, entry.object);
}
