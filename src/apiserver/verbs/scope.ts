// Which objects a list or watch is about: namespace, label and field selectors of the query.
import { matchesSelector } from '../../api/meta/labels.ts';
import { parseLabelSelector, SelectorError } from '../../api/meta/selectors.ts';
import { badRequest } from '../../api/meta/status-error.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { Slices } from '../../base/turns.ts';
import type { Entry } from '../registry/entry.ts';
import type { FieldIndex } from '../registry/field-index.ts';
import { type FieldSelector, parseFieldSelector } from '../registry/field-selector.ts';
import type { ResourceCache } from '../registry/resource-cache.ts';
import type { Scope } from '../registry/watch-group.ts';
import type { Call } from './call.ts';

export interface SelectedScope extends Scope {
  readonly fields: FieldSelector | undefined;
  readonly selectsAll: boolean;
}

/** `name` narrows to one object: watches of a single one. @throws StatusError 400 */
export function parseScope(
  resource: ResourceInfo,
  namespace: string,
  texts: { labelSelector: string; fieldSelector: string },
  name = '',
): SelectedScope {
  try {
    return buildScope(resource, namespace, texts, name);
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
}

function buildScope(
  resource: ResourceInfo,
  namespace: string,
  { labelSelector, fieldSelector }: { labelSelector: string; fieldSelector: string },
  name: string,
): SelectedScope {
  const labels = parseLabelSelector(labelSelector);
  const fields = parseFieldSelector(fieldSelector, resource);
  const selectsAll = labels.length === 0 && !fields && !name;
  return {
    namespace,
    fields,
    pin: fields?.pin,
    selectsAll,
    selectorKey: selectsAll ? '' : `${name}\n${labelSelector}\n${fieldSelector}`,
    matches(entry) {
      if (name && entry.name !== name) return false;
      if (fields && !fields.matches(entry)) return false;
      return labels.length === 0 || matchesSelector(labels, entry.labels);
    },
  };
}

/** Made when it is first asked for; undefined for a scope that pins nothing. */
export function indexOf(cache: ResourceCache, { pin }: Scope, resource: ResourceInfo): FieldIndex | undefined {
  return pin && cache.indexOf(pin.field, (entry) => entry.fieldLabels(resource)[pin.field] ?? '');
}

/** What may be of it, in key order: all that is, and what only `matches` can tell. */
function candidates(cache: ResourceCache, scope: SelectedScope, resource: ResourceInfo): readonly Entry[] {
  const { namespace, fields, pin } = scope;
  if (fields?.name !== undefined && namespace) {
    const entry = cache.find(namespace, fields.name);
    return entry ? [entry] : [];
  }
  if (pin) {
    const found = indexOf(cache, scope, resource)!.find(pin.value);
    return namespace ? found.filter((entry) => entry.namespace === namespace) : found;
  }
  return cache.list(namespace);
}

/** What the cache has of it, in key order. May take long the first time: see `prepareSelect`. */
export function selectNow(cache: ResourceCache, scope: SelectedScope, resource: ResourceInfo): readonly Entry[] {
  const all = candidates(cache, scope, resource);
  return scope.selectsAll ? all : all.filter((entry) => scope.matches(entry));
}

/** Looks at every object once, in slices: what selectors look at is remembered by the entries. */
export async function prepareSelect({ server, resource }: Call, scope: SelectedScope): Promise<void> {
  const { pin } = scope;
  const cache = server.registry.cacheOf(resource);
  if (scope.selectsAll || scope.fields?.name !== undefined || (pin && cache.hasIndex(pin.field))) return;
  const slices = new Slices(() => server.clock.monotonicMs());
  let count = 0;
  for (const entry of cache.list(pin ? '' : scope.namespace)) {
    if (pin) entry.fieldLabels(resource);
    else scope.matches(entry);
    if (++count % lookEvery === 0 && slices.isDue) await slices.pause();
  }
}

/** The clock is asked once in so many objects. */
const lookEvery = 32;

/**
 * What the cache has of it at this moment, in key order: past the key `after`, and no more than `atMost` of what does not
 * select all.
 */
export async function select(
  { server, resource }: Call,
  scope: SelectedScope,
  { after = '', atMost = Number.POSITIVE_INFINITY } = {},
): Promise<readonly Entry[]> {
  const all = candidates(server.registry.cacheOf(resource), scope, resource);
  const start = after === '' ? 0 : firstAfter(all, after);
  if (scope.selectsAll) return start === 0 ? all : all.slice(start);
  const found: Entry[] = [];
  const slices = new Slices(() => server.clock.monotonicMs());
  for (let index = start; index < all.length && found.length < atMost; index++) {
    if (scope.matches(all[index]!)) found.push(all[index]!);
    if (index % lookEvery === 0 && slices.isDue) await slices.pause();
  }
  return found;
}

/** Where the keys past `key` begin. */
function firstAfter(entries: readonly Entry[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.key <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}
