// The API in JSON: `v1/pods` and kinds become paths through discovery; overload and lost connections are tried again.
import { setTimeout as sleep } from 'node:timers/promises';
import type { WireClient } from '../client.ts';
import type { Json } from './scenario.ts';

export interface Reply {
  readonly code: number;
  readonly body: Json;
}

export interface Target {
  /** "v1/pods", "apps/v1/deployments" */
  readonly resource: string;
  /** Ignored for resources of the cluster. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

interface Discovered {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export const mergePatch = 'application/merge-patch+json';
const patience = { overloaded: 20, disconnected: 5, pauseMs: 200 };

export class Api {
  readonly #client: WireClient;
  readonly #discovered = new Map<string, Promise<Discovered[]>>();

  constructor(client: WireClient) {
    this.#client = client;
  }

  /** An error of the API is a reply too. */
  async request(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<Reply> {
    for (let attempt = 0; ; attempt++) {
      try {
        const reply = await this.#once(method, path, body, contentType);
        const isFinal = reply.code !== 429 || path.includes('/eviction');
        if (isFinal || attempt > patience.overloaded) return reply;
      } catch (error) {
        if (attempt > patience.disconnected) throw error;
      }
      await sleep(patience.pauseMs);
    }
  }

  async #once(method: string, path: string, body: unknown, contentType: string): Promise<Reply> {
    const answer = await this.#client.request({
      method,
      path,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': contentType } }),
    });
    const text = answer.body.toString();
    try {
      return { code: answer.code, body: JSON.parse(text) };
    } catch {
      return { code: answer.code, body: { message: text } };
    }
  }

  /** Gives the body, or fails. */
  async must(method: string, path: string, body?: unknown, contentType?: string): Promise<Json> {
    const reply = await this.request(method, path, body, contentType);
    if (reply.code >= 300) throw new Error(`${method} ${path}: ${reply.code} ${reply.body.message}`);
    return reply.body;
  }

  async path({ resource, namespace, name, subresource }: Target): Promise<string> {
    const cut = resource.lastIndexOf('/');
    const [groupVersion, plural] = [resource.slice(0, cut), resource.slice(cut + 1)];
    const found = (await this.#resources(groupVersion)).find((each) => each.name === plural);
    if (!found) throw new Error(`the server has no resource ${resource}`);
    const scope = found.namespaced && namespace ? ['namespaces', namespace] : [];
    return [root(groupVersion), ...scope, plural, name, subresource].filter(Boolean).join('/');
  }

  async resourceOf({ apiVersion, kind }: Json): Promise<{ resource: string; namespaced: boolean }> {
    const found = (await this.#resources(apiVersion)).find((each) => each.kind === kind);
    if (!found) throw new Error(`the server has no kind ${apiVersion} ${kind}`);
    return { resource: `${apiVersion}/${found.name}`, namespaced: found.namespaced };
  }

  #resources(groupVersion: string): Promise<Discovered[]> {
    let found = this.#discovered.get(groupVersion);
    if (!found) {
      found = this.must('GET', root(groupVersion)).then(({ resources }) =>
        (resources as Discovered[]).filter(({ name }) => !name.includes('/')),
      );
      this.#discovered.set(groupVersion, found);
    }
    return found;
  }
}

const root = (groupVersion: string) => `/${groupVersion.includes('/') ? 'apis' : 'api'}/${groupVersion}`;
