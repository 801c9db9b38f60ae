// Aggregated discovery: every group and resource in one document, with an ETag, so that clients ask once.
import { createHash } from 'node:crypto';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Remotes } from '../aggregation/served-groups.ts';
import type { Answer } from '../http/answer.ts';
import { header, type ServerRequest } from '../http/exchange.ts';
import type { ResourceTable } from '../registry/resource-table.ts';
import { served, servedCore } from './documents.ts';

const contentType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

function discovered(resource: ResourceInfo) {
  const subresources = resource.subresources.map((part) => ({
    subresource: part.name,
    responseKind: {
      group: part.group === resource.group && part.version === resource.version ? '' : part.group,
      version: part.group === resource.group && part.version === resource.version ? '' : part.version,
      kind: part.kind,
    },
    verbs: [...part.verbs].sort(),
  }));
  subresources.sort((a, b) => (a.subresource < b.subresource ? -1 : 1));
  return {
    resource: resource.plural,
    responseKind: { group: '', version: '', kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.custom ? resource.verbs : [...resource.verbs].sort(),
    ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
    ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

interface Document {
  readonly generation: number;
  readonly body: Buffer;
  readonly etag: string;
}

export class AggregatedDiscovery {
  readonly #table: ResourceTable;
  readonly #remotes: Remotes | undefined;
  readonly #documents = new Map<boolean, Document>();

  constructor(table: ResourceTable, remotes?: Remotes) {
    this.#table = table;
    this.#remotes = remotes;
  }

  answer(request: ServerRequest, isCore: boolean): Answer {
    const { body, etag } = this.#document(isCore);
    const headers = { etag, vary: 'Accept', 'cache-control': 'public' };
    if (header(request, 'if-none-match') === etag) {
      return { type: 'bytes', status: 304, contentType, body: new Uint8Array(), headers };
    }
    return { type: 'bytes', status: 200, contentType, body, headers };
  }

  #document(isCore: boolean): Document {
    const generation = this.#table.generation + (this.#remotes?.generation ?? 0);
    const known = this.#documents.get(isCore);
    if (known?.generation === generation) return known;
    const groups = isCore ? [servedCore(this.#table)] : served(this.#table, this.#remotes?.versions());
    const items = groups.map(({ group, versions }) => ({
      metadata: group ? { name: group } : {},
      versions: versions.map(({ version, remote }) =>
        remote
          ? { version, resources: remote.resources ?? [], freshness: remote.isFresh ? 'Current' : 'Stale' }
          : { version, resources: this.#own(group, version), freshness: 'Current' },
      ),
    }));
    const object = { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
    const body = Buffer.from(JSON.stringify(object));
    const etag = `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`;
    const made = { generation, body, etag };
    this.#documents.set(isCore, made);
    return made;
  }

  #own(group: string, version: string) {
    return this.#table
      .resources(group, version)
      .filter((resource) => resource.isDiscoverable)
      .map(discovered)
      .sort((a, b) => (a.resource < b.resource ? -1 : 1));
  }
}
