// What a mutating webhook wants changed, done to the object of the request.
import { isDeepStrictEqual } from 'node:util';
import { apiVersionOf, type KubernetesObject } from '../../../api/meta/object.ts';
import { badRequest, internalError, StatusError } from '../../../api/meta/status-error.ts';
import { canonical, DecodeError } from '../../../schema/codec.ts';
import { applyJsonPatch } from '../../../schema/json-patch.ts';
import { decodeJsonPatch, type JsonPatchOperation } from '../../../schema/patch-body.ts';
import { PatchError } from '../../../schema/patch-error.ts';
import { decodeManagers } from '../../managed-fields/manager.ts';
import type { ResourceTable } from '../../registry/resource-table.ts';
import { goPackage } from '../../verbs/go-names.ts';
import { convertOne, type Match } from '../matching/match.ts';
import type { AdmissionContext, AdmissionRequest, PartKind } from '../plugin.ts';
import { CallingError } from './problems.ts';

/** @throws CallingError for what is no patch */
export function decodePatch(webhook: string, patch: Buffer): readonly JsonPatchOperation[] {
  try {
    return decodeJsonPatch(patch).patch;
  } catch (error) {
    if (!(error instanceof PatchError) && !(error instanceof DecodeError)) throw error;
    const problem = error.message
      .replace(/^error decoding patch: /, '')
      .replace('[]handlers.jsonPatchOp', 'jsonpatch.Patch');
    throw new CallingError(webhook, `received undecodable patch in webhook response: ${problem}`, 503, {
      cause: error,
    });
  }
}

/**
 * Patches `shown`, the object as the webhook saw it, and makes the request's object what came out. Says whether that
 * changed anything. @throws InternalError for a patch that cannot be applied or whose result is no object of the kind
 */
export async function applyPatch(
  request: AdmissionRequest,
  match: Match,
  shown: KubernetesObject,
  patch: readonly JsonPatchOperation[],
  { table }: AdmissionContext,
): Promise<boolean> {
  const { kind } = request;
  const typeName = kind?.typeName ?? match.resource.typeName;
  const patched = attempt(() => {
    const result = applyJsonPatch(shown, patch);
    if (typeof result !== 'object' || result === null || Array.isArray(result))
      throw new DecodeError('type', 'json: cannot unmarshal a value that is no object');
    return canonical<KubernetesObject>(typeName, result);
  });
  if (isDeepStrictEqual(patched, shown)) return false;
  checkKind(match, request.kind, patched, table);
  putInPlace(request, patched);
  keepManagers(request, shown, patched);
  if (kind) replace(request.object!, patched);
  else {
    match.resource.defaults(patched);
    const conversion = match.resource.custom?.conversion;
    const landed = conversion
      ? await convertOne(conversion, patched, apiVersionOf(request.resource))
      : match.resource.toStorage(patched);
    replace(request.object!, landed);
  }
  return true;
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof PatchError || error instanceof DecodeError) throw internalError(error.message, error);
    throw error;
  }
}

/** A webhook may change an object, not make another of it. */
function checkKind(
  { resource }: Match,
  part: PartKind | undefined,
  patched: KubernetesObject,
  table: ResourceTable,
): void {
  const wanted = part ?? resource;
  patched.kind ||= wanted.kind;
  patched.apiVersion ||= apiVersionOf(wanted);
  const { kind, apiVersion } = patched;
  if (kind === wanted.kind && apiVersion === apiVersionOf(wanted)) return;
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  if (!table.findKind(group, version, kind))
    throw internalError(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    );
  const message = `converting (${version}.${kind}) to (${goPackage(wanted.group)}.${wanted.kind}): unknown conversion`;
  throw new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 });
}

/** Managers that nobody could read are put back. */
function keepManagers(request: AdmissionRequest, shown: KubernetesObject, patched: KubernetesObject): void {
  const { managedFields } = patched.metadata;
  if (!managedFields || isDeepStrictEqual(managedFields, shown.metadata.managedFields)) return;
  if (decodeManagers(managedFields, false)) return;
  if (shown.metadata.managedFields) patched.metadata.managedFields = shown.metadata.managedFields;
  else delete patched.metadata.managedFields;
  request.warn(
    '.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: invalid managed fields entry',
  );
}

function putInPlace({ operation, resource, namespace, kind }: AdmissionRequest, { metadata }: KubernetesObject): void {
  if (kind || operation !== 'CREATE' || !resource.namespaced) return;
  metadata.namespace ||= namespace;
  if (metadata.namespace === namespace) return;
  throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

/** In place: whoever made the request holds on to its object. */
function replace(target: KubernetesObject, source: KubernetesObject): void {
  const fields = target as unknown as Record<string, unknown>;
  for (const key of Object.keys(fields)) delete fields[key];
  Object.assign(target, source);
}
