// Field sets name fields as one version of a kind has them. This reads an object in the version a set speaks of.

import { apiVersionOf, type KubernetesObject } from '../../api/meta/object.ts';
import type { ObjectConversion, ResourceInfo } from '../../api/resource-info.ts';
import { canonical } from '../../schema/codec.ts';
import { copyJson } from '../../schema/copy-json.ts';
import { type MapMergeType, mergeTypeOf } from '../../schema/merge-type.ts';
import { mergeTypeOfSchema } from '../../schema/merge-type-openapi.ts';
import type { ResourceTable } from '../registry/resource-table.ts';

/** How objects of this version of the kind merge. */
export const mergeType = ({ custom, typeName }: Pick<ResourceInfo, 'custom' | 'typeName'>): MapMergeType =>
  custom ? mergeTypeOfSchema(custom.schema) : mergeTypeOf(typeName);

const isStorage = ({ group, version, storage }: ResourceInfo): boolean =>
  group === storage.group && version === storage.version;

/** A stored object as this version shows it. May be the argument itself; not to be changed. */
export function fromStored(resource: ResourceInfo, object: KubernetesObject): KubernetesObject {
  const conversion = resource.custom?.conversion;
  if (conversion) return inVersion(conversion, resource, object);
  if (isStorage(resource)) return object;
  return resource.fromStorage(copyJson(object));
}

/** @throws PendingConversion */
function inVersion(conversion: ObjectConversion, to: ResourceInfo, object: KubernetesObject): KubernetesObject {
  const apiVersion = apiVersionOf(to);
  return object.apiVersion === apiVersion ? object : conversion.now(object, apiVersion);
}

/** Between versions of one kind. */
export function converted(from: ResourceInfo, to: ResourceInfo, object: KubernetesObject): KubernetesObject {
  if (from === to) return object;
  const conversion = to.custom?.conversion;
  if (conversion) return inVersion(conversion, to, { ...object, apiVersion: apiVersionOf(from) });
  const stored = from.toStorage(copyJson(object));
  return to.fromStorage(canonical<KubernetesObject>(to.storage.typeName, stored));
}

/** The resource in the version an entry names; undefined when it is not served any more. */
export function resourceAt(table: ResourceTable, resource: ResourceInfo, apiVersion: string): ResourceInfo | undefined {
  if (apiVersion === apiVersionOf(resource)) return resource;
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const found = table.findKind(group, apiVersion.slice(slash + 1), resource.kind);
  return found?.storage.plural === resource.storage.plural && found.storage.group === resource.storage.group
    ? found
    : undefined;
}

const blanks = new Map<string, KubernetesObject>();

/** What an object of that type is before anything is said about it. */
export function blankObject(typeName: string): KubernetesObject {
  let blank = blanks.get(typeName);
  if (!blank) {
    blank = Object.freeze(canonical<KubernetesObject>(typeName, {}));
    blanks.set(typeName, blank);
  }
  return blank;
}
