// The kinds that the rules of a policy name, and what they look like.
import type { APIGroupDiscoveryList } from '../../../generated/apidiscovery-v2.ts';
import { isNotFound } from '../../api/meta/status-error.ts';
import type { Client } from '../../client/client.ts';
import { type OpenApiSchema, type OpenApiSchemas, openApiType } from '../../schema/cel/openapi-type.ts';
import type { CelType } from '../../schema/cel/types.ts';

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

interface ServedKind extends GroupVersionKind {
  readonly plural: string;
}

type KindMark = { readonly group: string; readonly version: string; readonly kind: string };
type RootSchema = OpenApiSchema & { readonly 'x-kubernetes-group-version-kind'?: readonly KindMark[] };

const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Asks the server what it serves, once for the policies of one look. */
export class ServedKinds {
  readonly #client: Client;
  readonly #signal: AbortSignal;
  #kinds: Promise<readonly ServedKind[]> | undefined;
  readonly #schemas = new Map<string, Promise<OpenApiSchemas>>();

  constructor(client: Client, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  /** The core group has no name: asked without one, upstream answers for all groups. */
  async kindsFor(group: string, version: string, plural: string): Promise<readonly GroupVersionKind[]> {
    this.#kinds ??= this.#discover();
    return (await this.#kinds)
      .filter((each) => each.plural === plural && each.version === version && (group === '' || each.group === group))
      .map(({ group: found, kind }) => ({ group: found, version, kind }));
  }

  async #discover(): Promise<readonly ServedKind[]> {
    const roots = ['/api', '/apis'].map((path) =>
      this.#client.getJson<APIGroupDiscoveryList>(path, this.#signal, accept),
    );
    return (await Promise.all(roots)).flatMap(({ items = [] }) =>
      items.flatMap(({ metadata, versions = [] }) =>
        versions.flatMap(({ version, resources = [] }) =>
          resources.flatMap(({ resource, responseKind }) =>
            responseKind?.kind
              ? [{ group: metadata?.name ?? '', version, kind: responseKind.kind, plural: resource }]
              : [],
          ),
        ),
      ),
    );
  }

  /** Undefined: nobody describes such objects. */
  async typeOf({ group, version, kind }: GroupVersionKind): Promise<CelType | undefined> {
    const path = `/openapi/v3/${group ? `apis/${group}` : 'api'}/${version}`;
    let schemas = this.#schemas.get(path);
    if (!schemas) {
      schemas = this.#fetch(path);
      this.#schemas.set(path, schemas);
    }
    const known = await schemas;
    const isIt = (mark: KindMark) => mark.group === group && mark.version === version && mark.kind === kind;
    const root = Object.values(known).find((schema: RootSchema) =>
      schema['x-kubernetes-group-version-kind']?.some(isIt),
    );
    return root && openApiType(root, known, true, kind);
  }

  async #fetch(path: string): Promise<OpenApiSchemas> {
    try {
      const document = await this.#client.getJson<{ components?: { schemas?: OpenApiSchemas } }>(path, this.#signal);
      return document.components?.schemas ?? {};
    } catch (error) {
      if (isNotFound(error)) return {};
      throw error;
    }
  }
}
