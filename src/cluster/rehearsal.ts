// The first writes after a start are slow and cost twice what later ones do: the code behind them has not been compiled yet.
// So once the server is at rest it writes some objects into a server of its own, which has the same code and nothing else
// in common with the real one: a store in memory, no webhooks, an audit log that nobody keeps.
import type { ResourceInfo } from '../api/resource-info.ts';
import { Auditor } from '../apiserver/audit/auditor.ts';
import { defaultPolicy } from '../apiserver/audit/default-policy.ts';
import { signingKey } from '../apiserver/authn/jwt.ts';
import { createSecurity } from '../apiserver/security.ts';
import { type ApiServer, createApiServer } from '../apiserver/server.ts';
import type { Clock } from '../base/clock.ts';
import { silentLogger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { openMemoryStore } from '../store/engines/memory.ts';

export interface RehearsalParts {
  readonly resources: readonly ResourceInfo[];
  /** PEM; nothing is signed with it that leaves this process. */
  readonly signingKey: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** As many as it takes until the compilers have seen enough. */
const rounds = 80;
/** At once, and then a pause: whoever comes meanwhile waits for a few milliseconds at most. */
const perRound = 8;
const pauseMs = 10;

const user = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };
const namespace = '/api/v1/namespaces/default';

/** Ends early with the signal. @throws when a write is refused: then it is another code that real ones run through */
export async function rehearse(parts: RehearsalParts, signal: AbortSignal): Promise<{ written: number }> {
  const { clock, random, resources } = parts;
  await using store = openMemoryStore();
  const security = createSecurity({
    signingKey: signingKey(parts.signingKey),
    serverUrl: 'https://127.0.0.1',
    kubelet: { cert: '', key: '', ca: '' },
    clock,
    random,
  });
  const nowhere = { name: 'nowhere', dropped: 0, write() {}, async close() {} };
  const server = createApiServer({
    store,
    resources,
    ...security,
    auditor: new Auditor(defaultPolicy, [nowhere], clock),
    serviceCidr: '10.96.0.0/16',
    clock,
    random,
    log: silentLogger,
  });
  security.bind(server);
  const stopping = new AbortController();
  const running = server.run(stopping.signal);
  try {
    await server.ready;
    await post(server, '/api/v1/namespaces', { metadata: { name: 'default' } });
    let written = 0;
    for (let round = 0; round < rounds && !signal.aborted; round++) {
      const names = Array.from({ length: perRound }, (_, index) => `rehearsal-${round}-${index}`);
      await Promise.all(names.map((name) => post(server, `${namespace}/configmaps`, configMap(name))));
      written += perRound;
      await clock.sleep(pauseMs, signal);
    }
    return { written };
  } finally {
    stopping.abort();
    await running;
  }
}

const configMap = (name: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels: { app: 'rehearsal' } },
  data: { text: 'x'.repeat(500) },
});

async function post(server: ApiServer, path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json', accept: 'application/json', 'user-agent': 'coracle' };
  const bytes = Buffer.from(JSON.stringify(body));
  const answer = await server.handleInProcess(user, { method: 'POST', path, headers, body: bytes });
  const said = await answer.bytes();
  if (answer.status !== 201) throw new Error(`${path} was answered with ${answer.status}: ${Buffer.from(said)}`);
}
