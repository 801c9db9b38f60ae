// Which group versions are served by others: what the APIServices say, as of the caches' revision.
import type { APIService } from '../../../generated/apiregistration-v1.ts';
import type { OutboundTarget } from '../outbound/client.ts';
import {
  type HostPort,
  type ResolveParts,
  resolveService,
  type ServiceReference,
} from '../outbound/service-address.ts';
import type { Entry } from '../registry/entry.ts';
import type { RequestInfo } from '../request-info.ts';
import { type Priority, registrationGroup } from './priorities.ts';

/** Our certificate as a front proxy, PEM. */
export interface ProxyIdentity {
  readonly cert: string;
  readonly key: string;
}

/** A group version that a Service serves. */
export interface Route {
  /** Of the APIService: `v1alpha1.wardle.example.com`. */
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly service: ServiceReference;
  /** As the condition of its APIService says. */
  readonly isAvailable: boolean;
  readonly priority: Priority;
  readonly target: OutboundTarget;
}

export function isAvailable({ status }: APIService): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Available' && is === 'True') ?? false;
}

export class Routes {
  readonly #parts: ResolveParts;
  readonly #identity: ProxyIdentity;
  readonly #byVersion = new Map<string, { readonly entry: Entry; readonly route: Route }>();
  /** Grows with every change. */
  generation = 0;

  constructor(parts: ResolveParts, identity: ProxyIdentity) {
    this.#parts = parts;
    this.#identity = identity;
  }

  /** Takes over what the APIServices say now. */
  sync(entries: readonly Entry[]): void {
    const seen = new Set<string>();
    for (const entry of entries) {
      const { spec } = entry.object as APIService;
      // Where APIServices themselves are nobody else can be: there would be no way back.
      if (!spec.service || spec.group === registrationGroup) continue;
      const key = `${spec.group ?? ''}/${spec.version ?? ''}`;
      seen.add(key);
      if (this.#byVersion.get(key)?.entry === entry) continue;
      this.#byVersion.set(key, { entry, route: this.#routeOf(entry.object as APIService) });
      this.generation++;
    }
    for (const key of this.#byVersion.keys()) {
      if (seen.has(key)) continue;
      this.#byVersion.delete(key);
      this.generation++;
    }
  }

  #routeOf(object: APIService): Route {
    const { spec, metadata } = object;
    const { name = '', namespace = '', port = 443 } = spec.service!;
    const service = { name, namespace, port };
    const serverName = `${name}.${namespace}.svc`;
    return {
      name: metadata.name!,
      group: spec.group ?? '',
      version: spec.version ?? '',
      service,
      isAvailable: isAvailable(object),
      priority: { group: spec.groupPriorityMinimum, version: spec.versionPriority },
      target: {
        authority: `${serverName}:${port}`,
        policy: 'service',
        tls: {
          serverName,
          ...this.#identity,
          ...(spec.caBundle ? { ca: Buffer.from(spec.caBundle, 'base64').toString() } : {}),
          skipsVerification: spec.insecureSkipTLSVerify ?? false,
        },
        resolve: (): HostPort => resolveService(this.#parts, service),
      },
    };
  }

  get isEmpty(): boolean {
    return this.#byVersion.size === 0;
  }

  all(): readonly Route[] {
    return [...this.#byVersion.values()].map(({ route }) => route);
  }

  find(group: string, version: string): Route | undefined {
    return this.#byVersion.size === 0 ? undefined : this.#byVersion.get(`${group}/${version}`)?.route;
  }

  /** Who serves a request: resources of the group version, and its discovery document. */
  findFor(info: RequestInfo): Route | undefined {
    if (this.#byVersion.size === 0) return undefined;
    if (info.isResource) return this.find(info.group, info.version);
    const [, root, group = '', version = '', ...rest] = info.path.split('/');
    if (root !== 'apis' || rest.length > 1 || rest[0]) return undefined;
    return this.find(group, version);
  }
}
