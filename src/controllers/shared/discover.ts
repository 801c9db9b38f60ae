// What kinds the server serves, built in and custom, each in its preferred version.
import type { APIGroupDiscoveryList, APIVersionDiscovery } from '../../../generated/apidiscovery-v2.ts';
import type { KindRef, KubernetesObject } from '../../api/meta/object.ts';
import type { Client } from '../../client/client.ts';

export interface DiscoveredResource extends KindRef<KubernetesObject> {
  readonly verbs: readonly string[];
}

export interface Discovered {
  readonly resources: readonly DiscoveredResource[];
  /** `apps/v1/Deployment`, in every version that is served. */
  readonly kinds: ReadonlySet<string>;
  /** `metrics.k8s.io/v1beta1`: served by somebody who does not answer. */
  readonly failed: readonly string[];
}

const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

export async function discover(client: Client, signal?: AbortSignal): Promise<Discovered> {
  const roots = ['/api', '/apis'].map((path) => client.getJson<APIGroupDiscoveryList>(path, signal, accept));
  const resources: DiscoveredResource[] = [];
  const kinds = new Set<string>();
  const failed: string[] = [];
  for (const root of await Promise.all(roots)) {
    for (const group of root.items ?? []) {
      const known = new Set<string>();
      const name = group.metadata?.name ?? '';
      for (const version of group.versions ?? []) {
        if (version.freshness === 'Stale') failed.push(`${name}/${version.version}`);
        resources.push(...resourcesOf(name, version, known));
        const prefix = name === '' ? version.version : `${name}/${version.version}`;
        for (const { responseKind } of version.resources ?? []) kinds.add(`${prefix}/${responseKind?.kind}`);
      }
    }
  }
  return { resources, kinds, failed };
}

/** Those of a version that a more preferred one does not have. */
function resourcesOf(
  group: string,
  { version, resources }: APIVersionDiscovery,
  known: Set<string>,
): DiscoveredResource[] {
  const found: DiscoveredResource[] = [];
  for (const { resource, responseKind, scope, verbs } of resources ?? []) {
    if (!responseKind || known.has(resource)) continue;
    known.add(resource);
    const namespaced = scope === 'Namespaced';
    found.push({ group, version, kind: responseKind.kind ?? '', plural: resource, namespaced, verbs: verbs ?? [] });
  }
  return found;
}
