// Which objects a list or watch is about: namespace, label and field selectors of the query.
import { matchesSelector } from '../../api/meta/labels.ts';
import { parseLabelSelector, SelectorError } from '../../api/meta/selectors.ts';
import { badRequest } from '../../api/meta/status-error.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Entry } from '../registry/entry.ts';
import { type FieldSelector, parseFieldSelector } from '../registry/field-selector.ts';
import type { ResourceCache } from '../registry/resource-cache.ts';
import type { Scope } from '../registry/watch-group.ts';

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
    selectsAll,
    selectorKey: selectsAll ? '' : `${name}\n${labelSelector}\n${fieldSelector}`,
    matches(entry) {
      if (name && entry.name !== name) return false;
      if (fields && !fields.matches(entry)) return false;
      return labels.length === 0 || matchesSelector(labels, entry.labels);
    },
  };
}

/** What the cache has of it, in key order. */
export function select(cache: ResourceCache, scope: SelectedScope): readonly Entry[] {
  const { namespace, fields } = scope;
  if (fields?.name !== undefined && namespace) {
    const entry = cache.find(namespace, fields.name);
    return entry && scope.matches(entry) ? [entry] : [];
  }
  const all = cache.list(namespace);
  return scope.selectsAll ? all : all.filter((entry) => scope.matches(entry));
}
