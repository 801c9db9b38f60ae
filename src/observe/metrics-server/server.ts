// Serves the resource metrics API to the API server alone, which has asked already who is who and what they may.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { configMapKind, nodeKind, podKind } from '../../../generated/kinds.ts';
import { StatusError } from '../../api/meta/status-error.ts';
import { simulationKey } from '../../api/simulation/program.ts';
import { ProgramReader } from '../../api/simulation/program-reader.ts';
import type { Clock } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import type { Logger } from '../../base/log.ts';
import { untilAborted } from '../../base/signals.ts';
import type { Client } from '../../client/client.ts';
import type { InformerFactory } from '../../reconcile/informer.ts';
import { publishMetricsApi } from './publish.ts';
import { answer, type MetricsParts } from './routes.ts';
import { Scraper } from './scraper.ts';

export interface MetricsServerOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  /** Where the API server reaches us. */
  readonly address: string;
  /** PEM. */
  readonly tls: {
    readonly cert: string;
    readonly key: string;
    /** Signed our certificate. */
    readonly ca: string;
    /** Signs front proxies, who are the only ones to come in. */
    readonly clientCa: string;
  };
  /** The common names a front proxy may have. */
  readonly proxyNames: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

export function createMetricsServer(options: MetricsServerOptions): Component {
  const { client, informers, address, tls, clock, log } = options;
  const [nodes, pods] = [informers.informer(nodeKind), informers.informer(podKind)];
  const { namespace, name } = simulationKey;
  const maps = informers.informer(configMapKind, { namespace, fieldSelector: `metadata.name=${name}` });
  const reader = new ProgramReader();
  const program = () => reader.read(maps.find(`${namespace}/${name}`));
  const parts: MetricsParts = { nodes, pods, scraper: new Scraper({ client, nodes, pods, program, clock, log }) };
  return {
    name: 'metrics-server',
    async run(signal) {
      await informers.waitForSync(signal);
      if (signal.aborted) return;
      const sockets = new Set<Duplex>();
      const server = createServer(
        { ...tls, ca: tls.clientCa, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
        (request, response) => void respond(options, parts, request, response),
      );
      server.on('secureConnection', (socket) => {
        sockets.add(socket);
        socket.on('error', () => socket.destroy());
        socket.once('close', () => sockets.delete(socket));
      });
      server.on('tlsClientError', (_, socket) => socket.destroy());
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, address, () => resolve());
      });
      const { port } = server.address() as AddressInfo;
      await publishMetricsApi({ client, address, port, ca: tls.ca, clock, log }, signal);
      await untilAborted(signal);
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function respond(
  { proxyNames, log }: MetricsServerOptions,
  parts: MetricsParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const send = (code: number, body: object) => {
    response.writeHead(code, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  request.resume();
  const { CN } = (request.socket as TLSSocket).getPeerCertificate().subject;
  if (typeof CN !== 'string' || !proxyNames.includes(CN)) return void response.writeHead(401).end();
  try {
    const found = await answer(parts, request.method ?? '', new URL(request.url ?? '/', 'https://metrics-server'));
    if (found) send(200, found);
    else response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n');
  } catch (error) {
    if (error instanceof StatusError) return send(error.code, error.status);
    log.error('what nodes use could not be told', error);
    response.writeHead(500).end();
  }
}
