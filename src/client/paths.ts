// Where resources live: `/api/v1/namespaces/default/pods/web-0/status`.
import type { KindRef, ObjectKey } from '../api/meta/object.ts';
import type { ListOptions } from './client.ts';

type Place = Pick<KindRef<unknown>, 'group' | 'version' | 'plural' | 'namespaced'>;

/** The collection; for a namespaced kind without a namespace, that of all namespaces. */
export function listPath(kind: Place, namespace: string | undefined): string {
  const root = kind.group ? `/apis/${kind.group}/${kind.version}` : `/api/${kind.version}`;
  const inNamespace = kind.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${inNamespace}/${kind.plural}`;
}

export function itemPath(kind: Place, key: ObjectKey, subresource?: string): string {
  const base = `${listPath(kind, key.namespace)}/${encodeURIComponent(key.name)}`;
  return subresource ? `${base}/${subresource}` : base;
}

/** `path` with the query parameters that have a value. */
export function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  let text = '';
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) text += `${text ? '&' : '?'}${name}=${encodeURIComponent(value)}`;
  }
  return path + text;
}

export function listQuery(options: ListOptions): Record<string, string | undefined> {
  return {
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    resourceVersion: options.resourceVersion,
    resourceVersionMatch: options.resourceVersionMatch,
    limit: options.limit?.toString(),
    continue: options.continue,
  };
}
