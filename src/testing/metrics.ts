// The resource metrics API of a cluster in a test: what simulated pods say they use, without a server in between.
import type { Node, Pod } from '../../generated/core-v1.ts';
import { configMapKind, nodeKind, podKind } from '../../generated/kinds.ts';
import { type KindRef, type KubernetesObject, keyOf } from '../api/meta/object.ts';
import { StatusError } from '../api/meta/status-error.ts';
import { simulationKey } from '../api/simulation/program.ts';
import { ProgramReader } from '../api/simulation/program-reader.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import type { Transport, TransportRequest, TransportResponse } from '../client/transport.ts';
import { apiVersion } from '../observe/metrics-server/answers.ts';
import { answer, type MetricsParts } from '../observe/metrics-server/routes.ts';
import { Scraper } from '../observe/metrics-server/scraper.ts';
import type { Informer } from '../reconcile/informer.ts';

const root = `/apis/${apiVersion}/`;

/** @param client who looks at pods and nodes, when somebody asks what they use */
export function withMetrics(inner: Transport, client: () => Client, clock: Clock, log: Logger): Transport {
  return {
    request: (request) =>
      request.path.startsWith(root) ? answerMetrics(request, client(), clock, log) : inner.request(request),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

async function answerMetrics(
  { method, path }: TransportRequest,
  client: Client,
  clock: Clock,
  log: Logger,
): Promise<TransportResponse> {
  const [nodes, pods] = await Promise.all([listed<Node>(client, nodeKind), listed<Pod>(client, podKind)]);
  const reader = new ProgramReader();
  const map = await client.resource(configMapKind).find(simulationKey);
  const program = () => reader.read(map);
  const parts: MetricsParts = { nodes, pods, scraper: new Scraper({ client, nodes, pods, program, clock, log }) };
  try {
    const found = await answer(parts, method, new URL(path, 'https://metrics-server'));
    return json(found ? 200 : 404, found ?? {});
  } catch (error) {
    if (error instanceof StatusError) return json(error.code, error.status);
    throw error;
  }
}

/** As much of an informer as is asked here, over one list. */
async function listed<T extends KubernetesObject>(client: Client, kind: KindRef<T>): Promise<Informer<T>> {
  const { items } = await client.resource(kind).list();
  return {
    hasSynced: true,
    list: (namespace) => (namespace ? items.filter(({ metadata }) => metadata.namespace === namespace) : items),
    find: (key) => items.find((item) => keyOf(item) === key),
    byIndex: () => [],
    onChange: () => {},
    addIndex: () => {},
  };
}

function json(status: number, body: object): TransportResponse {
  const bytes = Buffer.from(JSON.stringify(body));
  return {
    status,
    headers: { 'content-type': 'application/json' },
    bytes: async () => bytes,
    async *stream() {
      yield bytes;
    },
  };
}
