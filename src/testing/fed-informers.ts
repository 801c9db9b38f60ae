// A server by itself, and caches that know only what a test tells them: so are a controller's while its watches are behind.
import { apiVersionOf, type KindRef, type KubernetesObject } from '../api/meta/object.ts';
import type { UserInfo } from '../apiserver/authn/authenticator.ts';
import { silentLogger } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { createClient } from '../client/create-client.ts';
import type { Transport } from '../client/transport.ts';
import type { ControllerContext } from '../reconcile/controller.ts';
import type { InformerFactory } from '../reconcile/informer.ts';
import { SharedInformer } from '../reconcile/shared-informer.ts';
import { openMemoryStore } from '../store/engines/memory.ts';
import { directTransport } from './direct-transport.ts';
import { createTestingServer } from './parts.ts';
import { VirtualClock } from './virtual-clock.ts';

export class FedInformers implements InformerFactory {
  readonly #informers = new Map<string, SharedInformer<any>>();

  informer<T extends KubernetesObject>(kind: KindRef<T>): SharedInformer<T> {
    const id = `${apiVersionOf(kind)}/${kind.plural}`;
    const informer = this.#informers.get(id) ?? new SharedInformer<T>(silentLogger);
    this.#informers.set(id, informer);
    return informer;
  }

  /** The caches of these kinds show what the server holds now. */
  async catchUp(client: Client, ...kinds: KindRef<any>[]): Promise<void> {
    for (const kind of kinds) {
      const { items, metadata } = await client.resource(kind).list();
      const informer = this.informer(kind);
      informer.listed(items);
      informer.listEnded();
      informer.progressed(metadata.resourceVersion ?? '');
    }
  }

  async run(): Promise<void> {}

  async waitForSync(): Promise<void> {}
}

export interface LoneServer extends AsyncDisposable {
  readonly client: Client;
  readonly clock: VirtualClock;
  readonly informers: FedInformers;
  /** For one controller that the test runs itself. */
  readonly context: ControllerContext;
}

const admin: UserInfo = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };

/** @param between what lies between the controller and the server; default: nothing */
export async function startLoneServer(between = (transport: Transport) => transport): Promise<LoneServer> {
  const clock = new VirtualClock(Date.UTC(2030, 0, 1));
  const random = seededRandom(1);
  const log = silentLogger;
  const server = createTestingServer({ store: openMemoryStore(), clock, random, log });
  const stopping = new AbortController();
  const running = server.run(stopping.signal);
  await server.ready;
  const transport = directTransport(server, admin, () => clock.noteActivity());
  const informers = new FedInformers();
  const recorder = () => ({ event() {} });
  return {
    client: createClient(transport),
    clock,
    informers,
    context: { client: createClient(between(transport)), informers, clock, random, log, recorder },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      const ended = running.then(() => true);
      while (!(await Promise.race([ended, clock.advance(1_000).then(() => false)])));
    },
  };
}
