// Discovery documents of servers behind us: the aggregated form, and the older one made into it.
import type { OutboundAnswer } from '../outbound/client.ts';

interface ResponseKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

interface DiscoveredPart {
  readonly subresource: string;
  readonly responseKind: ResponseKind;
  readonly acceptedTypes?: readonly ResponseKind[];
  readonly verbs: readonly string[];
}

/** A resource in an aggregated discovery document. */
export interface DiscoveredResource {
  readonly resource: string;
  readonly responseKind: ResponseKind;
  readonly scope: string;
  readonly singularResource: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly DiscoveredPart[];
}

const noKind: ResponseKind = { group: '', version: '', kind: '' };

/** Resources by `GROUP/VERSION`; undefined when the answer is of another form. */
export function versionsIn({
  headers,
  body,
}: OutboundAnswer): ReadonlyMap<string, readonly DiscoveredResource[]> | undefined {
  if (!/;\s*as=APIGroupDiscoveryList/.test(headers['content-type'] ?? '')) return undefined;
  const list = JSON.parse(body.toString()) as {
    items?: readonly {
      metadata?: { name?: string };
      versions?: readonly { version: string; resources?: readonly DiscoveredResource[] }[];
    }[];
  };
  return new Map(
    (list.items ?? []).flatMap(({ metadata, versions = [] }) =>
      versions.map(
        ({ version, resources = [] }) => [`${metadata?.name ?? ''}/${version}`, resources.map(completed)] as const,
      ),
    ),
  );
}

/** Old clients do not bear what lacks a kind. */
function completed(resource: DiscoveredResource): DiscoveredResource {
  const { subresources } = resource;
  const parts = subresources?.map((part) => ({ ...part, responseKind: part.responseKind ?? noKind }));
  return {
    ...resource,
    responseKind: resource.responseKind ?? noKind,
    ...(parts ? { subresources: parts } : {}),
  };
}

interface OldResource {
  readonly name: string;
  readonly singularName?: string;
  readonly namespaced?: boolean;
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

/** An APIResourceList in the newer form. */
export function resourcesOf(
  list: { readonly resources?: readonly OldResource[] },
  { group, version }: { group: string; version: string },
): DiscoveredResource[] {
  const found = new Map<string, DiscoveredResource & { subresources?: DiscoveredPart[] }>();
  const kindOf = (each: OldResource): ResponseKind => ({
    group: each.group || group,
    version: each.version || version,
    kind: each.kind ?? '',
  });
  const ofName = (name: string, each: OldResource) => {
    let entry = found.get(name);
    if (!entry) {
      const scope = each.namespaced ? 'Namespaced' : 'Cluster';
      entry = { resource: name, responseKind: noKind, scope, singularResource: '', verbs: [] };
      found.set(name, entry);
    }
    return entry;
  };
  for (const each of list.resources ?? []) {
    const [name = '', subresource] = each.name.split('/', 2);
    const entry = ofName(name, each);
    if (subresource !== undefined) {
      entry.subresources = [
        ...(entry.subresources ?? []),
        { subresource, responseKind: kindOf(each), verbs: each.verbs ?? [] },
      ];
      continue;
    }
    found.set(name, {
      ...entry,
      responseKind: kindOf(each),
      singularResource: each.singularName ?? '',
      verbs: each.verbs ?? [],
      ...(each.shortNames?.length ? { shortNames: each.shortNames } : {}),
      ...(each.categories?.length ? { categories: each.categories } : {}),
    });
  }
  return [...found.values()];
}
