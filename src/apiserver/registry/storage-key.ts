// Where objects live in the store: /registry/GROUP/PLURAL/[NAMESPACE/]NAME. Keys are only made here, from checked parts,
// so that no name can reach into another resource or namespace.

import { hasControl } from '../http/control-characters.ts';

declare const keyBrand: unique symbol;
declare const prefixBrand: unique symbol;
export type StorageKey = string & { readonly [keyBrand]: true };
export type StoragePrefix = string & { readonly [prefixBrand]: true };

/** Everything the API server keeps is below this. */
export const registryRoot = '/registry/';

/** Whether a name can be part of a key; names that cannot do not exist. */
export function isKeySegment(segment: string): boolean {
  return segment !== '' && segment !== '.' && segment !== '..' && !/[/%]/.test(segment) && !hasControl(segment);
}

function checkSegment(segment: string): string {
  if (isKeySegment(segment)) return segment;
  throw new RangeError(`not a storage key segment: ${JSON.stringify(segment)}`);
}

/** The prefix of a resource's keys; ends with a separator. The core group is called `core`. */
export function resourcePrefix(storage: { group: string; plural: string }): StoragePrefix {
  return `${registryRoot}${checkSegment(storage.group || 'core')}/${checkSegment(storage.plural)}/` as StoragePrefix;
}

/** `namespace` is '' for cluster-scoped resources. */
export function objectKey(prefix: StoragePrefix, namespace: string, name: string): StorageKey {
  return (
    namespace ? `${prefix}${checkSegment(namespace)}/${checkSegment(name)}` : `${prefix}${checkSegment(name)}`
  ) as StorageKey;
}

/** The prefix of one namespace's objects; ends with a separator. */
export function namespacePrefix(prefix: StoragePrefix, namespace: string): StoragePrefix {
  return `${prefix}${checkSegment(namespace)}/` as StoragePrefix;
}

/** What has keys there is the server's own and no object: no group has this name, theirs have a dot. */
export const allocationRoot = `${registryRoot}ranges/`;

/** The resource prefix of a key, or undefined for a key that is not an object's. */
export function prefixOfKey(key: string): StoragePrefix | undefined {
  if (!key.startsWith(registryRoot) || key.startsWith(allocationRoot)) return undefined;
  const afterGroup = key.indexOf('/', registryRoot.length);
  const afterPlural = afterGroup < 0 ? -1 : key.indexOf('/', afterGroup + 1);
  return afterPlural < 0 ? undefined : (key.slice(0, afterPlural + 1) as StoragePrefix);
}

/** Group and plural of the object that a key is for; undefined for a key that is not an object's. */
export function resourceOfKey(key: string): { group: string; resource: string } | undefined {
  const prefix = prefixOfKey(key);
  if (!prefix) return undefined;
  const [group = '', resource = ''] = prefix.slice(registryRoot.length).split('/');
  return { group: group === 'core' ? '' : group, resource };
}
