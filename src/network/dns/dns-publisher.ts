// Keeps the kube-dns Service and its endpoints: one a node, at the first address of the node's pod range, where its DNS
// server listens. It runs with the controllers.
import type { Node } from '../../../generated/core-v1.ts';
import { endpointSliceKind, nodeKind, serviceKind } from '../../../generated/kinds.ts';
import { isAlreadyExists } from '../../api/meta/status-error.ts';
import type { Clock } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { Informer, InformerFactory } from '../../reconcile/informer.ts';
import { gatewayOf } from '../addresses.ts';
import { dnsObjects } from './dns-objects.ts';

export interface DnsPublisherOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly serviceCidr: string;
  readonly port?: number;
  readonly metricsPort?: number;
  readonly clock: Clock;
  readonly log: Logger;
}

const retryMs = 1_000;
/** Somebody may delete or change what we made; every so often it is made right. */
const resyncMs = 60_000;

export function createDnsPublisher(options: DnsPublisherOptions): Component {
  const nodes = options.informers.informer(nodeKind);
  let wake = Promise.withResolvers<void>();
  const look = () => wake.resolve();
  nodes.onChange({
    added: look,
    deleted: look,
    updated: (next, previous) => next.spec?.podCIDR !== previous.spec?.podCIDR && look(),
  });
  return {
    name: 'dns-publisher',
    async run(signal) {
      const { clock, informers, log } = options;
      signal.addEventListener('abort', () => wake.resolve(), { once: true });
      await informers.waitForSync(signal);
      while (!signal.aborted) {
        wake = Promise.withResolvers();
        let pauseMs = resyncMs;
        try {
          await publish(options, nodes);
        } catch (error) {
          if (!signal.aborted) log.warn('kube-dns could not be published yet', { problem: String(error) });
          pauseMs = retryMs;
        }
        using _timer = clock.timer(pauseMs, look);
        await wake.promise;
      }
    },
  };
}

async function publish(options: DnsPublisherOptions, nodes: Informer<Node>): Promise<void> {
  const { client, serviceCidr, port, metricsPort } = options;
  const servers = nodes
    .list()
    .flatMap(({ metadata, spec }) => {
      const podCidr = spec?.podCIDR;
      return podCidr && !podCidr.includes(':') ? [{ nodeName: metadata.name, address: gatewayOf(podCidr) }] : [];
    })
    .sort((a, b) => (a.nodeName < b.nodeName ? -1 : 1));
  const wanted = dnsObjects({ serviceCidr, servers, ...(port && { port }), ...(metricsPort && { metricsPort }) });
  const key = { namespace: 'kube-system', name: 'kube-dns' };
  const services = client.resource(serviceKind);
  if (!(await services.find(key))) await services.create(wanted.service).catch(unlessThere);
  const slices = client.resource(endpointSliceKind);
  const slice = await slices.find(key);
  const { endpoints = [], ports = [] } = wanted.endpointSlice;
  if (!slice) {
    await slices.create(wanted.endpointSlice).catch(unlessThere);
  } else if (
    !sameEndpoints(slice.endpoints ?? [], endpoints) ||
    JSON.stringify(slice.ports) !== JSON.stringify(ports)
  ) {
    await slices.update({ ...slice, endpoints, ports });
  }
}

function unlessThere(error: unknown): void {
  if (!isAlreadyExists(error)) throw error; // another server was quicker
}

function sameEndpoints(
  a: readonly { addresses: string[]; nodeName?: string }[],
  b: readonly { addresses: string[]; nodeName?: string }[],
): boolean {
  const text = (list: typeof b) => list.map(({ addresses, nodeName }) => `${nodeName} ${addresses.join()}`).join('\n');
  return text(a) === text(b);
}
