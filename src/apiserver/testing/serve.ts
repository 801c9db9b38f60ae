// A whole API server over the memory store, for tests: everyone may do everything unless the test says otherwise.
import { buildResources } from '../../api/build-resources.ts';
import { kindDefinitions } from '../../api/kinds.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { seededRandom } from '../../base/random.ts';
import { openMemoryStore } from '../../store/engines/memory.ts';
import type { Store } from '../../store/store.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import { certificateAuthenticator } from '../authn/certificate.ts';
import type { InProcessResponse } from '../http/in-process.ts';
import { type ApiServer, type ApiServerOptions, createApiServer } from '../server.ts';

export const admin: UserInfo = { username: 'admin', groups: ['system:masters'] };

export interface TestServer extends AsyncDisposable {
  readonly server: ApiServer;
  readonly store: Store;
  /** A request with its whole answer; a JSON body is parsed. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<TestAnswer>;
  open(path: string, headers?: Record<string, string>, signal?: AbortSignal): Promise<InProcessResponse>;
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly body: any;
}

export async function serve(options: Partial<ApiServerOptions> = {}): Promise<TestServer> {
  const store = options.store ?? openMemoryStore();
  const server = createApiServer({
    store,
    resources: buildResources(kindDefinitions),
    authenticators: [certificateAuthenticator],
    authorizers: [
      { authorize: ({ user }) => ({ verdict: user.groups.includes('system:masters') ? 'allow' : 'none', reason: '' }) },
    ],
    admission: [],
    handlers: [],
    serviceCidr: '10.96.0.0/16',
    clock: systemClock,
    random: seededRandom(7),
    log: silentLogger,
    ...options,
  });
  const stopping = new AbortController();
  const running = server.run(stopping.signal);
  running.catch(() => {});
  await server.ready;

  const open: TestServer['open'] = (path, headers = {}, signal) =>
    server.handleInProcess(admin, { method: 'GET', path, headers, ...(signal ? { signal } : {}) });
  const testServer: TestServer = {
    server,
    store,
    open,
    async call(method, path, body, headers = {}) {
      const isRaw = typeof body === 'string' || body instanceof Uint8Array;
      const bytes = body === undefined ? undefined : Buffer.from(isRaw ? (body as string) : JSON.stringify(body));
      const response = await server.handleInProcess(admin, {
        method,
        path,
        headers: { ...(bytes ? { 'content-type': 'application/json' } : {}), ...headers },
        ...(bytes ? { body: bytes } : {}),
      });
      const text = Buffer.from(await response.bytes()).toString();
      const isJson = response.headers['content-type']?.startsWith('application/json');
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: isJson && text ? JSON.parse(text) : undefined,
      };
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
      await store[Symbol.asyncDispose]();
    },
  };
  await testServer.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
  return testServer;
}

/** The events of a watch, parsed, as they come. */
export async function* events(response: InProcessResponse): AsyncGenerator<any> {
  let rest = '';
  for await (const chunk of response.stream()) {
    const lines = (rest + Buffer.from(chunk).toString()).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
}

/** The next `count` events. */
export async function take(source: AsyncGenerator<any>, count: number): Promise<any[]> {
  const taken: any[] = [];
  while (taken.length < count) {
    const next = await source.next();
    if (next.done) break;
    taken.push(next.value);
  }
  return taken;
}
