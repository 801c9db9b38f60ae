// The cluster's DNS on one address: UDP and TCP. It runs on every node at the bridge's own address; the kube-dns
// Service leads to it (dns-objects.ts).
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import type { lookup } from 'node:dns';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import type { Logger } from '../../base/log.ts';
import type { InformerFactory } from '../../reconcile/informer.ts';
import { dnsPort } from './dns-objects.ts';
import { Forwarder } from './forwarder.ts';
import { createDnsMetrics, type DnsMetrics } from './metrics.ts';
import { Resolver } from './resolver.ts';
import { type UpstreamSource, upstreamsFromFile } from './upstreams.ts';
import { createZone } from './zone.ts';

export interface DnsServerOptions {
  readonly informers: InformerFactory;
  /** Where to listen: the bridge's address (HostNetwork.gateway). */
  readonly address: string;
  /** Default `dnsPort`; 0 takes any, see `listening`. */
  readonly port?: number;
  readonly clusterDomain: string;
  readonly podCidr?: string;
  readonly serviceCidr?: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default: those of /etc/resolv.conf. */
  readonly upstreams?: UpstreamSource;
  readonly watchNamespaces?: boolean;
  /** Where /metrics, /health and /ready are served; absent: nowhere. */
  readonly metricsPort?: number;
}

export interface DnsServer extends Component {
  /** Settles with the port once both sockets listen. */
  readonly listening: Promise<number>;
}

interface OpenSockets {
  readonly udp: UdpSocket;
  readonly tcp: Server;
}

const retryMs = 250;
const maxConnections = 256;
const idleConnectionMs = 10_000;

export function createDnsServer(options: DnsServerOptions): DnsServer {
  return new ClusterDns(options);
}

class ClusterDns implements DnsServer {
  readonly name = 'dns';
  readonly listening: Promise<number>;
  readonly #options: DnsServerOptions;
  readonly #resolver: Resolver;
  readonly #metrics: DnsMetrics;
  readonly #forwarder: Forwarder;
  readonly #listens = Promise.withResolvers<number>();
  #isReady = false;

  constructor(options: DnsServerOptions) {
    this.#options = options;
    this.listening = this.#listens.promise;
    const { clock, address, log } = options;
    const upstreams = options.upstreams ?? upstreamsFromFile('/etc/resolv.conf', [address], clock);
    const metrics = createDnsMetrics(() => this.#isReady);
    this.#metrics = metrics;
    this.#forwarder = new Forwarder({ upstreams, clock, log, onEvent: (event) => metrics.forwarded(event) });
    this.#resolver = new Resolver({
      zone: createZone(options),
      forwarder: this.#forwarder,
      clock,
      metrics,
      isReady: () => this.#isReady,
    });
    upstreams.onChange?.(() => this.#resolver.forget());
  }

  async run(signal: AbortSignal): Promise<void> {
    const { address, informers, log, clock } = this.#options;
    const connections = new Set<Socket>();
    let open: OpenSockets | undefined;
    while (!open && !signal.aborted) {
      try {
        open = await this.#open(connections);
      } catch (error) {
        // The one before us may not have let go yet, or the bridge is being made: the rest of the node goes on.
        log.warn('DNS cannot listen yet', { address, problem: String(error) });
        await clock.sleep(retryMs, signal);
      }
    }
    if (!open) return;
    try {
      open.udp.on('error', (error) => log.error('DNS socket', error));
      open.tcp.on('error', (error) => log.error('DNS socket', error));
      const metrics = this.#metrics.listen(address, this.#options.metricsPort, signal);
      this.#listens.resolve(open.udp.address().port);
      await informers.waitForSync(signal);
      this.#isReady = !signal.aborted;
      if (!signal.aborted) await once(signal, 'abort');
      await metrics;
    } finally {
      this.#forwarder.close();
      for (const socket of connections) socket.destroy();
      await Promise.all([closeUdp(open.udp), closeTcp(open.tcp)]);
    }
  }

  /** Both sockets on one port: with port 0, the one that UDP was given. */
  async #open(connections: Set<Socket>): Promise<OpenSockets> {
    const { address, port = dnsPort } = this.#options;
    const type = address.includes(':') ? 'udp6' : 'udp4';
    const udp = createSocket({ type, recvBufferSize: 4 * 1024 * 1024, sendBufferSize: 1024 * 1024, lookup: asIs });
    const tcp = createServer();
    udp.on('message', (message, from) => this.#answerDatagram(udp, message, from));
    tcp.on('connection', (socket) => this.#serve(socket, connections));
    try {
      const listens = once(udp, 'listening');
      udp.bind(port, address);
      await listens;
      tcp.listen(udp.address().port, address);
      await once(tcp, 'listening');
      return { udp, tcp };
    } catch (error) {
      await Promise.all([closeUdp(udp), closeTcp(tcp)]);
      throw error;
    }
  }

  #answerDatagram(udp: UdpSocket, message: Buffer, from: RemoteInfo): void {
    if (from.port === 0) return; // cannot be answered
    const known = this.#resolver.known(message);
    if (known) {
      send(udp, known, from);
      if (udp.getSendQueueCount() > 0) this.#resolver.replaceKnown(message, known);
      return;
    }
    const reply = this.#resolver.answer(message, 'udp');
    if (reply instanceof Promise) void reply.then((bytes) => send(udp, bytes, from));
    else if (reply) send(udp, reply, from);
  }

  #serve(socket: Socket, connections: Set<Socket>): void {
    if (connections.size >= maxConnections) {
      socket.destroy();
      return;
    }
    connections.add(socket);
    socket.setTimeout(idleConnectionMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => connections.delete(socket));
    void this.#answerStream(socket);
  }

  /** Messages with their length before them, one after the other: the next is read when this one is answered. */
  async #answerStream(socket: Socket): Promise<void> {
    let pending: Buffer = Buffer.alloc(0);
    try {
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
        while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
          const end = 2 + pending.readUInt16BE(0);
          const reply = await this.#resolver.answer(Buffer.from(pending.subarray(2, end)), 'tcp');
          pending = pending.subarray(end);
          if (!reply) return void socket.destroy();
          const length = Buffer.alloc(2);
          length.writeUInt16BE(reply.length);
          if (!socket.write(Buffer.concat([length, reply]))) await once(socket, 'drain');
        }
      }
    } catch {
      socket.destroy(); // gone in the middle of a message
    }
  }
}

/** Addresses come from the kernel: nothing is to be looked up, and nothing to be waited for. */
const asIs = ((address: string, _options: unknown, callback: (error: null, address: string, family: number) => void) =>
  callback(null, address, address.includes(':') ? 6 : 4)) as unknown as typeof lookup;

/** Whoever is gone asks no more: what becomes of the datagram is of no interest. */
function send(udp: UdpSocket, bytes: Buffer, { port, address }: RemoteInfo): void {
  try {
    udp.send(bytes, port, address);
  } catch {
    // closed meanwhile
  }
}

function closeUdp(udp: UdpSocket): Promise<void> {
  return new Promise((resolve) => {
    try {
      udp.close(resolve);
    } catch {
      resolve(); // never opened
    }
  });
}

function closeTcp(tcp: Server): Promise<void> {
  return new Promise((resolve) => tcp.close(() => resolve()));
}
