// Inside a component's thread: its clients, its log, and its end.
import { workerData } from 'node:worker_threads';
import { createLogger, type Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { createClient } from '../../client/create-client.ts';
import { leadingTransport } from '../../client/leading-transport.ts';
import { PortConnection } from '../../client/port-transport.ts';
import type { Transport } from '../../client/transport.ts';
import { userAgentOf } from '../user-agents.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';

export interface Thread<Settings> {
  readonly settings: Settings;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** The client that acts as this identity; undefined when the thread is none of that name. */
  findClient(identity: string): Client | undefined;
  client(identity: string): Client;
  /** The same, but it writes only while `isHeld`. */
  leadingClient(identity: string, isHeld: () => boolean): Client | undefined;
  /** Print figures for a path when somebody asks. */
  readonly figures: Map<string, () => string>;
  /** Ends the components as a stop would; then the thread is started anew. */
  startAgain(): void;
  /** Says that the components run, and ends the thread when they have. */
  run(components: readonly Promise<void>[]): Promise<void>;
}

export function openThread<Settings>(): Thread<Settings> {
  const { port, identities, control, settings } = workerData as ThreadData<Settings>;
  const tell = (message: FromThread) => control.postMessage(message);
  const stopping = new AbortController();
  let wantsAgain = false;
  const clients = new Map<string, Client>();
  const figures = new Map<string, () => string>();
  control.on('message', (message: ToThread) => {
    if (message === 'stop') {
      wantsAgain = false;
      stopping.abort();
    } else tell({ type: 'figures', id: message.id, text: figures.get(message.path)?.() ?? '' });
  });
  const connection = new PortConnection(port);
  const transportOf = (identity: string) => (identities.includes(identity) ? connection.as(identity) : undefined);
  const clientOver = (transport: Transport, identity: string) =>
    createClient(transport, { userAgent: userAgentOf(identity) });
  const findClient = (identity: string) => {
    const transport = transportOf(identity);
    if (!transport) return undefined;
    const client = clients.get(identity) ?? clientOver(transport, identity);
    clients.set(identity, client);
    return client;
  };
  return {
    settings,
    log: createLogger((line) => tell({ type: 'log', line })),
    signal: stopping.signal,
    findClient,
    client(identity) {
      const client = findClient(identity);
      if (!client) throw new Error(`this thread does not act as ${identity}`);
      return client;
    },
    leadingClient(identity, isHeld) {
      const transport = transportOf(identity);
      return transport && clientOver(leadingTransport(transport, isHeld), identity);
    },
    figures,
    startAgain() {
      if (stopping.signal.aborted) return;
      wantsAgain = true;
      stopping.abort();
    },
    async run(components) {
      tell({ type: 'started' });
      await Promise.allSettled(components);
      tell({ type: wantsAgain ? 'again' : 'stopped' });
      control.close();
      port.close();
    },
  };
}
