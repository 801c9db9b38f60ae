// Everything that is not a resource: discovery, health, version, metrics, OpenAPI.
import type { Remotes } from '../aggregation/served-groups.ts';
import {
  contentTypes,
  isProducible,
  negotiate,
  noneAcceptable,
  unproducible,
  wantsAggregatedDiscovery,
} from '../http/accept.ts';
import { type Answer, textAnswer } from '../http/answer.ts';
import { header, type ServerRequest } from '../http/exchange.ts';
import type { ResourceTable } from '../registry/resource-table.ts';
import type { RequestInfo } from '../request-info.ts';
import { noSuchMethod, noSuchResource } from '../verbs/dispatch.ts';
import { About, type AboutOptions } from './about.ts';
import { AggregatedDiscovery } from './aggregated.ts';
import { apiGroup, apiGroupList, apiVersions, resourceList, served } from './documents.ts';
import type { Health } from './health.ts';
import type { OpenApi } from './openapi.ts';
import { versionInfo } from './version.ts';

export interface ExtraPath {
  readonly path: string;
  /** Not named at `/`. */
  readonly isUnlisted?: boolean;
  answer(request: ServerRequest): Promise<Answer> | Answer;
}

export interface DiscoveryOptions {
  readonly table: ResourceTable;
  readonly remotes?: Remotes | undefined;
  readonly health: Health;
  readonly metrics: { print(): Promise<string>; readonly contentType: string };
  readonly openApi: OpenApi;
  /** For /statusz and /flagz. */
  readonly about: Pick<AboutOptions, 'nowMs' | 'startedMs' | 'flags'>;
  /** `host:port` that clients are told. */
  readonly serverAddress: () => string;
  /** Paths of other owners: `/.well-known/openid-configuration`, `/openid/v1/jwks`. */
  readonly extraPaths: readonly ExtraPath[];
}

const notFoundPage = () => textAnswer(404, '404 page not found\n', { 'x-content-type-options': 'nosniff' });

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #aggregated: AggregatedDiscovery;
  readonly #about: About;
  readonly #extra: ReadonlyMap<string, ExtraPath>;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#aggregated = new AggregatedDiscovery(options.table, options.remotes);
    this.#about = new About({ ...options.about, health: options.health });
    this.#extra = new Map(options.extraPaths.map((extra) => [extra.path, extra]));
  }

  async answer(request: ServerRequest, info: RequestInfo, query: URLSearchParams): Promise<Answer> {
    const path = info.path.length > 1 && info.path.endsWith('/') ? info.path.slice(0, -1) : info.path;
    const { health, metrics, openApi } = this.#options;
    const isBare = path === info.path;
    const healthAnswer = isBare ? health.answer(path, query) : undefined;
    if (healthAnswer) return healthAnswer;
    const extra = this.#extra.get(path);
    if (extra) return extra.answer(request);
    const segments = path.split('/').slice(1);
    if (segments[0] === 'api' || segments[0] === 'apis') return this.#discovery(request, path, segments);
    if (segments[0] === 'openapi' && isBare) {
      const found = await openApi.answer(request, segments, query);
      return found ?? notFoundPage();
    }
    const about = isBare ? await this.#about.answer(request, path) : undefined;
    if (about) return about;
    switch (info.path === '/version/' ? path : info.path) {
      case '/':
      case '/index.html':
        return this.#document(request, { paths: this.#paths() }, false);
      case '/version':
        if (request.method !== 'GET') throw noSuchMethod();
        if (!isProducible(header(request, 'accept'), [contentTypes.json])) throw unproducible([contentTypes.json]);
        return this.#document(request, versionInfo(), false);
      case '/metrics':
        return {
          type: 'bytes',
          status: 200,
          contentType: metrics.contentType,
          body: Buffer.from(await metrics.print()),
        };
      default:
        return notFoundPage();
    }
  }

  #discovery(request: ServerRequest, path: string, segments: readonly string[]): Answer {
    const { table } = this.#options;
    const [root, group, version] = segments;
    if (segments.length === 1) {
      if (root === 'api' && request.method !== 'GET') throw noSuchMethod();
      if (wantsAggregatedDiscovery(header(request, 'accept'))) return this.#aggregated.answer(request, root === 'api');
      const plain = root === 'api' ? apiVersions(this.#options.serverAddress()) : apiGroupList(this.#groups());
      return this.#document(request, plain, true);
    }
    if (root === 'apis' && segments.length === 2) {
      const found = this.#groups().find((each) => each.group === group);
      if (!found) return notFoundPage();
      if (request.method !== 'GET') throw noSuchMethod();
      return this.#document(request, apiGroup(found), true);
    }
    if (root === 'apis' && !table.hasGroup(group!)) return notFoundPage();
    const [ofGroup, ofVersion] = root === 'api' ? ['', group!] : [group!, version!];
    if (segments.length > (root === 'api' ? 2 : 3) || !table.hasVersion(ofGroup, ofVersion)) throw noSuchResource();
    if (request.method !== 'GET') throw noSuchMethod();
    void path;
    return this.#document(request, resourceList(table, ofGroup, ofVersion), true);
  }

  #groups() {
    return served(this.#options.table, this.#options.remotes?.versions());
  }

  /** JSON, or YAML and protobuf where the document is an API type. */
  #document(request: ServerRequest, object: any, isApiType: boolean, headers: Record<string, string> = {}): Answer {
    if (isApiType) {
      const hasRoute = object.kind !== 'APIGroupList' && object.kind !== 'APIGroup';
      const { transform } = negotiate(header(request, 'accept'), { hasProtobuf: true, hasRoute });
      if (transform !== 'none') throw noneAcceptable();
      const typeName = `io.k8s.apimachinery.pkg.apis.meta.v1.${object.kind}`;
      return { type: 'object', status: 200, object, typeName, headers };
    }
    const body = Buffer.from(JSON.stringify(object, undefined, 2));
    return { type: 'bytes', status: 200, contentType: 'application/json', body, headers };
  }

  #paths(): string[] {
    const { table, health, extraPaths } = this.#options;
    const groups = [...table.groups()].filter(([group]) => group !== '');
    const paths = [
      '/api',
      '/apis',
      '/apis/',
      ...[...table.groups()]
        .filter(([group]) => group === '')
        .flatMap(([, versions]) => versions.map((each) => `/api/${each}`)),
      ...groups.flatMap(([group, versions]) => [`/apis/${group}`, ...versions.map((each) => `/apis/${group}/${each}`)]),
      ...health.paths(),
      '/flagz',
      '/metrics',
      '/metrics/slis',
      '/statusz',
      '/openapi/v2',
      '/openapi/v3',
      '/openapi/v3/',
      '/version',
      ...extraPaths.filter(({ isUnlisted }) => !isUnlisted).map((extra) => extra.path),
    ];
    return paths.sort();
  }
}
