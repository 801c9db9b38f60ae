// The life of an object begins: admit, name, prepare, validate, admit again, commit.

import type { FieldErrors } from '../../api/meta/field-errors.ts';
import { pathSegmentNameRule } from '../../api/meta/names.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { validateMetadata } from '../../api/meta/object-meta-validation.ts';
import { alreadyExists, badRequest, invalid, StatusError, unexplained } from '../../api/meta/status-error.ts';
import { parseStored } from '../../base/big-integers.ts';
import { rfc3339 } from '../../base/clock.ts';
import { nameSuffix, uuid } from '../../base/random.ts';
import { copyJson } from '../../schema/copy-json.ts';
import { CompareFailedError } from '../../store/store.ts';
import { resolvingRarely } from '../crd/conversion/pending.ts';
import { canonicalObject } from '../managed-fields/canonical-object.ts';
import type { Entry } from '../registry/entry.ts';
import { AllocationTakenError } from '../registry/service-claims.ts';
import { commitObject, storedBytes, unstoredEntry } from '../registry/write-objects.ts';
import { admit, checkAdmission, hasJudges, judgedByPlugins, type WriteCall } from './admit.ts';
import { judged, judgedAsGiven } from './given-empties.ts';

const generatedAttempts = 8;
const maxGeneratedBase = 58;

/** The object is in the storage version, defaulted, and this function's to change. */
export async function createObject(call: WriteCall, object: KubernetesObject): Promise<Entry> {
  const { resource, server } = call;
  const { metadata } = object;
  const { hub } = server.registry;
  if (hub.isShared) await hub.waitForHead(call.signal);
  placeInNamespace(call, object);
  const base = metadata.name ? '' : (metadata.generateName ?? '');
  await admit(call, { operation: 'CREATE', object });
  placeInNamespace(call, object); // plugins may not move it
  fillMetadata(call, object);
  const context = { nowMs: server.clock.now(), isDryRun: call.isDryRun, user: call.user };
  for (let attempt = 1; ; attempt++) {
    const next = base ? withName(object, generatedName(call, base)) : object;
    // Some labels and selectors are made of the name.
    resource.rules.prepareForCreate?.(next, context);
    try {
      return await finish(call, next);
    } catch (error) {
      if (error instanceof AllocationTakenError && attempt < generatedAttempts) {
        await hub.waitForHead(call.signal);
        continue;
      }
      if (!base || !(error instanceof NameTakenError)) throw asAlreadyExists(call, next, error, base !== '');
      if (attempt === generatedAttempts) throw asAlreadyExists(call, next, error, true);
    }
  }
}

class NameTakenError extends Error {}

const withName = (object: KubernetesObject, name: string): KubernetesObject => {
  const copy = copyJson(object);
  copy.metadata.name = name;
  return copy;
};

function generatedName({ server }: WriteCall, base: string): string {
  return base.slice(0, maxGeneratedBase) + nameSuffix(server.random);
}

const resourceVersionSet = () => unexplained('resourceVersion should not be set on objects to be created');

/** The version that a new object says it has; 0 for none, and for what is no number. */
function versionNumber({ metadata }: KubernetesObject): number {
  const { resourceVersion = '' } = metadata;
  return /^\d{1,15}$/.test(resourceVersion) ? Number(resourceVersion) : 0;
}

/** The namespace of the path is the object's; naming another one is a mistake. */
export function placeInNamespace(call: WriteCall, object: KubernetesObject): void {
  const { metadata } = object;
  if (!call.resource.namespaced) {
    delete metadata.namespace;
    return;
  }
  if (!metadata.namespace) metadata.namespace = call.namespace;
  else if (metadata.namespace !== call.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

function fillMetadata({ server }: WriteCall, object: KubernetesObject): void {
  const { metadata } = object;
  delete metadata.selfLink;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  metadata.uid = uuid(server.random);
  metadata.creationTimestamp = rfc3339(server.clock.now());
}

async function finish(call: WriteCall, draft: KubernetesObject): Promise<Entry> {
  const { resource, server } = call;
  const { slices } = call;
  if (slices?.isDue) await slices.pause();
  const { object, stored } = canonicalObject(resource.storage.typeName, draft);
  if (slices?.isDue) await slices.pause();
  const { rules } = resource;
  for (const text of rules.earlyWarnings?.(object) ?? []) call.warn(text);
  using _reserved = server.addresses.reserve(resource, object, undefined, call.isDryRun);
  const first = hasJudges(call) ? await judgedByPlugins(call, { operation: 'CREATE', object }) : undefined;
  const judge = (errors: FieldErrors) => {
    if (first) errors.append(first);
    const { nameRule, takesAnyFinalizer, judgesMetadataAfter } = rules;
    const { namespaced } = resource;
    if (!judgesMetadataAfter) validateMetadata(object.metadata, { namespaced, nameRule, takesAnyFinalizer }, errors);
    rules.validate?.(object, errors);
    rules.validateCreate?.(object, errors);
    if (judgesMetadataAfter && errors.isEmpty) {
      validateMetadata(object.metadata, { namespaced, nameRule: pathSegmentNameRule, takesAnyFinalizer: true }, errors);
    }
  };
  const judging = resolvingRarely(() => judged(judge));
  let errors = judging instanceof Promise ? await judging : judging;
  if (!errors.isEmpty) {
    errors = judgedAsGiven(call, object, errors, judge);
    const kind = { group: resource.storage.group, name: resource.kind };
    throw invalid(kind, object.metadata.name ?? '', errors.summary(), errors.causes());
  }
  for (const text of rules.warnings?.(object, undefined) ?? []) call.warn(text);
  // The store says so, and a dry run does not get there.
  const version = versionNumber(object);
  if (version > 0 && !call.isDryRun) throw resourceVersionSet();
  if (slices?.isDue) await slices.pause();
  const bytes = storedBytes(resource, stored());
  if (slices?.isDue) await slices.pause();
  await checkAdmission(call, { operation: 'CREATE', object, name: object.metadata.name });
  const place = { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
  if (call.isDryRun) {
    if (server.registry.sourceOf(resource).find(place.namespace, place.name)) throw new NameTakenError();
    return unstoredEntry(server.registry, resource, parseStored(bytes) as KubernetesObject, version);
  }
  if (slices?.isDue) await slices.pause();
  try {
    return await commitObject(server.registry, resource, place, bytes, 0);
  } catch (error) {
    if (!(error instanceof CompareFailedError) || error instanceof AllocationTakenError) throw error;
    // The answer says whether what has the name is on its way out.
    if (error.current) await server.registry.headOf(resource).waitFor(error.current.modRevision, call.signal);
    throw new NameTakenError();
  }
}

function asAlreadyExists(
  { resource, server }: WriteCall,
  object: KubernetesObject,
  error: unknown,
  isGenerated: boolean,
): unknown {
  if (!(error instanceof NameTakenError)) return error;
  const taken = alreadyExists({ group: resource.group, name: resource.plural }, object.metadata.name);
  const { status } = taken;
  const { namespace = '', name } = object.metadata;
  const holder = server.registry.sourceOf(resource).find(namespace, name);
  const before = holder?.object.metadata.deletionTimestamp ? 'object is being deleted: ' : '';
  if (!isGenerated && !object.metadata.generateName) {
    return before ? new StatusError({ ...status, message: before + status.message }) : taken;
  }
  return new StatusError({
    ...status,
    message: `${before}${status.message}, the server was not able to generate a unique name for the object`,
    details: { ...status.details, retryAfterSeconds: 1 },
  });
}
