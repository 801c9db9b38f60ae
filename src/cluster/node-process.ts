// The process of a real node: agent, service proxy and DNS, each with its own identity. Pods outlive it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeKind, podKind } from '../../generated/kinds.ts';
import { systemClock } from '../base/clock.ts';
import { createLogger } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import { createClient } from '../client/create-client.ts';
import { createHttpsTransport } from '../client/https-transport.ts';
import { createNodeAgent } from '../kubelet/agent.ts';
import { createCriRuntime } from '../kubelet/runtime/cri/cri-runtime.ts';
import { ensureHostNetwork } from '../network/cni/host-network.ts';
import { createDnsServer } from '../network/dns/dns-server.ts';
import { tableName } from '../network/proxy/base-rules.ts';
import { createServiceProxy, type ServiceProxy } from '../network/proxy/service-proxy.ts';
import type { InformerFactory } from '../reconcile/informer.ts';
import { createInformerFactory } from '../reconcile/informer-factory.ts';
import { cgroupName } from './cgroup-name.ts';
import { readIdentity } from './node-identities.ts';
import { networkFolders } from './node-network.ts';
import type { NodeProcessOptions } from './node-process-options.ts';
import { serviceIp } from './service-range.ts';
import { userAgent } from './user-agents.ts';

const { layout, settings, containerdSocket } = JSON.parse(process.argv[2]!) as NodeProcessOptions;
const log = createLogger((line) => process.stdout.write(line));
const clock = systemClock;
const random = systemRandom;
const stopping = new AbortController();
const { signal } = stopping;
process.once('SIGTERM', () => stopping.abort());
process.once('SIGINT', () => stopping.abort());
process.on('unhandledRejection', (error) => {
  log.error('a promise was rejected and nobody looked', error);
  process.exit(1);
});

const ca = await readFile(join(layout.pki, 'ca.crt'), 'utf8');
const transportAs = (name: 'node-client' | 'node-proxy') =>
  createHttpsTransport({
    server: `https://127.0.0.1:${settings.apiPort}`,
    ca,
    clock,
    clientCertificate: () => readIdentity(layout.pki, name),
  });
const client = createClient(transportAs('node-client'), { userAgent: userAgent('kubelet') });
const proxyClient = createClient(transportAs('node-proxy'), { userAgent: userAgent('kube-proxy') });
const informers = createInformerFactory({ client, clock, random, log });
const proxyInformers = createInformerFactory({
  client: proxyClient,
  clock,
  random,
  log: log.with({ component: 'proxy' }),
});

// Pods come through the agent's own watch: it sees this node's already, and nobody else may.
const networkInformers: InformerFactory = {
  run: (until) => proxyInformers.run(until),
  waitForSync: (until) => proxyInformers.waitForSync(until),
  informer: (kind, selection) =>
    (kind.plural === podKind.plural ? informers : proxyInformers).informer(kind, selection),
};

const serving = await readIdentity(layout.pki, 'node-serving');
const runtime = createCriRuntime({ socketPath: containerdSocket, clock, log });
let proxy: ServiceProxy | undefined;
const agent = createNodeAgent({
  nodeName: settings.nodeName,
  client,
  informers,
  runtime,
  dataDir: layout.node,
  address: settings.address,
  port: settings.agentPort,
  tls: { cert: serving.certificate, key: serving.key, clientCa: ca },
  clusterDns: [serviceIp(settings.serviceCidr, 10)],
  clusterDomain: settings.clusterDomain,
  cgroupParent: cgroupName(layout.name),
  beforeStop: async (pod) => proxy?.released(pod),
  clock,
  log: log.with({ component: 'node' }),
});

await Promise.all([agent.run(signal), runNetwork(), informers.run(signal), proxyInformers.run(signal)]);
runtime.close();
process.exit(0);

/** The pod network, once the node has its range; then services and names on top of it. */
async function runNetwork(): Promise<void> {
  const podCidr = await podRange();
  if (podCidr === undefined) return;
  const { serviceCidr, clusterDomain, nodeName } = settings;
  const { bridge, gateway, bridgeMac } = await ensureHostNetwork({
    ...networkFolders(layout),
    podCidr,
    serviceCidr,
  });
  proxy = createServiceProxy({
    table: tableName(layout.name),
    bridge,
    podCidr,
    clusterPodCidr: settings.podCidr,
    serviceCidr,
    bridgeMac,
    nodeName,
    informers: networkInformers,
    clock,
    log: log.with({ component: 'proxy' }),
  });
  const dns = createDnsServer({
    informers: proxyInformers,
    address: gateway,
    clusterDomain,
    podCidr: settings.podCidr,
    serviceCidr,
    clock,
    log: log.with({ component: 'dns' }),
  });
  await Promise.all([proxy.run(signal), dns.run(signal)]);
}

/** The range the controllers gave this node; waits for it. Undefined when we are stopped before. */
async function podRange(): Promise<string | undefined> {
  while (!signal.aborted) {
    try {
      const node = await client.resource(nodeKind).find({ namespace: '', name: settings.nodeName }, { signal });
      if (node?.spec.podCIDR) return node.spec.podCIDR;
    } catch (error) {
      if (!signal.aborted) log.debug('the node is not known yet', { problem: String(error) });
    }
    await clock.sleep(25, signal);
  }
  return undefined;
}
