// A whole API server in memory, reached in process, for tests of what needs one.
import { generateKeyPairSync } from 'node:crypto';
import { buildResources } from '../../api/build-resources.ts';
import { kindDefinitions } from '../../api/kinds.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { isAlreadyExists } from '../../api/meta/status-error.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { seededRandom } from '../../base/random.ts';
import { openMemoryStore } from '../../store/engines/memory.ts';
import type { Store } from '../../store/store.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import { signingKey } from '../authn/jwt.ts';
import { bootstrapObjects } from '../authz/bootstrap.ts';
import { createSecurity } from '../security.ts';
import { type ApiServer, type ApiServerOptions, createApiServer } from '../server.ts';
import type { KubeletIdentity } from '../subresources/kubelet.ts';

export interface TestServerOptions {
  /** Default: one range of IPv4. */
  readonly serviceCidr?: string;
  readonly clock?: Clock;
  readonly kubelet?: KubeletIdentity;
  readonly listen?: ApiServerOptions['listen'];
  /** Default: one in memory. The server ends it. */
  readonly store?: Store;
}

export interface TestAnswer {
  readonly status: number;
  /** JSON where it is JSON. */
  readonly body: any;
}

export interface TestServer extends AsyncDisposable {
  readonly server: ApiServer;
  /** `POST /api/v1/namespaces/x/pods`; as a member of system:masters unless `user` says otherwise. */
  call(request: string, body?: object, user?: UserInfo, contentType?: string): Promise<TestAnswer>;
  /** Creates or throws. */
  create(path: string, object: object): Promise<any>;
}

const admin: UserInfo = { username: 'admin', groups: ['system:masters', 'system:authenticated'] };

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { clock = systemClock, kubelet = { cert: '', key: '', ca: '' }, listen } = options;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const random = seededRandom(7);
  const key = signingKey(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  const security = createSecurity({ signingKey: key, serverUrl: 'https://127.0.0.1', kubelet, clock, random });
  const store = options.store ?? openMemoryStore();
  const server = createApiServer({
    store,
    resources: buildResources(kindDefinitions),
    ...security,
    ...(listen ? { listen } : {}),
    serviceCidr: options.serviceCidr ?? '10.96.0.0/16',
    clock,
    random,
    log: silentLogger,
  });
  security.bind(server);
  const stop = new AbortController();
  const running = server.run(stop.signal);
  await server.ready;
  await bootstrap(server);
  const call: TestServer['call'] = async (text, body, user = admin, contentType = 'application/json') => {
    const [method, path] = text.split(' ') as ['GET', string];
    const bytes = body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) };
    const response = await server.handleInProcess(user, {
      method,
      path,
      headers: { 'content-type': contentType },
      ...bytes,
    });
    const answer = Buffer.from(await response.bytes()).toString();
    return { status: response.status, body: answer.startsWith('{') ? JSON.parse(answer) : answer };
  };
  return {
    server,
    call,
    async create(path, object) {
      const answer = await call(`POST ${path}`, object);
      if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${answer.body?.message}`);
      return answer.body;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await store[Symbol.asyncDispose]();
    },
  };
}

async function bootstrap({ table, writer }: ApiServer): Promise<void> {
  const context = { user: admin, isDryRun: false };
  const place = (object: KubernetesObject) => {
    const [group, version] = object.apiVersion!.includes('/') ? object.apiVersion!.split('/') : ['', object.apiVersion];
    return table.findKind(group!, version!, object.kind!)!;
  };
  for (const object of bootstrapObjects(Date.UTC(2030, 0, 1))) {
    await writer
      .create(place(object), object.metadata.namespace ?? '', structuredClone(object), context)
      .catch((error) => {
        if (!isAlreadyExists(error)) throw error; // another server on the same store was first
      });
  }
}
