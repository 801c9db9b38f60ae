// The objects that a binding gives its policy as `params`.
import type { ParamKind, ParamRef } from '../../../../generated/admissionregistration-v1.ts';
import { matchesSelector } from '../../../api/meta/labels.ts';
import type { KindRef, KubernetesObject } from '../../../api/meta/object.ts';
import { selectorOf } from '../../../api/meta/selectors.ts';
import type { ResourceInfo } from '../../../api/resource-info.ts';
import { fromStored } from '../../managed-fields/versioned.ts';
import type { ObjectReader } from '../../registry/object-reader.ts';
import type { ResourceTable } from '../../registry/resource-table.ts';

/** A policy or binding cannot be used as it is; its failure policy says what that means for the request. */
export class ConfigurationError extends Error {}

export interface ParamSource {
  readonly objects: ObjectReader;
  readonly table: Pick<ResourceTable, 'findKind'>;
}

const storedKinds = new WeakMap<ResourceInfo['storage'], KindRef<KubernetesObject>>();

function storedKind({ storage, kind, namespaced }: ResourceInfo): KindRef<KubernetesObject> {
  let ref = storedKinds.get(storage);
  if (!ref) {
    ref = { group: storage.group, version: storage.version, kind, plural: storage.plural, namespaced };
    storedKinds.set(storage, ref);
  }
  return ref;
}

/** The resource that a policy names. @throws ConfigurationError when none is served */
export function paramResource({ apiVersion = '', kind = '' }: ParamKind, table: ParamSource['table']): ResourceInfo {
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  const resource = table.findKind(group, version, kind);
  if (resource) return resource;
  throw new ConfigurationError(`failed to find resource referenced by paramKind: '${group}/${version}, Kind=${kind}'`);
}

/**
 * Each of them makes the policy be asked once; a single null where the policy or its binding has none.
 * @throws ConfigurationError
 */
export function collectParams(
  paramKind: ParamKind | undefined,
  paramRef: ParamRef | undefined,
  requestNamespace: string,
  source: ParamSource,
): readonly (KubernetesObject | null)[] {
  if (!paramKind || !paramRef) return [null];
  const resource = paramResource(paramKind, source.table);
  const namespace = paramNamespace(resource, paramRef, requestNamespace);
  const found = select(resource, paramRef, namespace, source.objects);
  if (found.length === 0 && paramRef.parameterNotFoundAction === 'Deny') {
    throw new ConfigurationError('no params found for policy binding with `Deny` parameterNotFoundAction');
  }
  return found.map((object) => fromStored(resource, object));
}

function paramNamespace({ namespaced }: ResourceInfo, { namespace }: ParamRef, requestNamespace: string): string {
  if (namespaced) {
    const own = namespace || requestNamespace;
    if (own) return own;
    throw new ConfigurationError(
      'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
    );
  }
  if (!namespace) return '';
  throw new ConfigurationError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
}

function select(
  resource: ResourceInfo,
  { name, selector }: ParamRef,
  namespace: string,
  objects: ObjectReader,
): readonly KubernetesObject[] {
  const kind = storedKind(resource);
  if (name) {
    const object = objects.find(kind, namespace, name);
    return object ? [object] : [];
  }
  const wanted = selectorOf(selector) ?? [];
  return objects.list(kind, namespace).filter(({ metadata }) => matchesSelector(wanted, metadata.labels));
}
