// The process of a real node: agent, service proxy and DNS, each with its own identity. Pods outlive it.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { nodeKind, podKind } from '../../../generated/kinds.ts';
import { systemClock } from '../../base/clock.ts';
import { createLogger } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { shrinkAtRest } from '../../base/rest.ts';
import { createClient } from '../../client/create-client.ts';
import { createHttpsTransport } from '../../client/https-transport.ts';
import { createNodeAgent } from '../../kubelet/agent.ts';
import { defaultKubeletConfiguration, parseKubeletConfiguration } from '../../kubelet/config/configuration.ts';
import type { KubeletConfiguration } from '../../kubelet/config/types.ts';
import { createCriRuntime } from '../../kubelet/runtime/cri/cri-runtime.ts';
import { createOrphanSweep } from '../../kubelet/runtime/orphans.ts';
import type { RuntimeFacts } from '../../kubelet/runtime/runtime.ts';
import { shareRuntime } from '../../kubelet/runtime/shared-runtime.ts';
import { shareMounts } from '../../kubelet/volumes/shared-mounts.ts';
import { familyOf } from '../../network/addresses.ts';
import { ensureHostNetwork } from '../../network/cni/host-network.ts';
import { dnsMetricsPort } from '../../network/dns/dns-objects.ts';
import { createDnsServer } from '../../network/dns/dns-server.ts';
import { configuredUpstreams, upstreamsFromFile } from '../../network/dns/upstreams.ts';
import { createAnnouncer } from '../../network/load-balancer/announcer.ts';
import { machineLabel } from '../../network/overlay/plan-routes.ts';
import { createPodRoutes } from '../../network/overlay/pod-routes.ts';
import { refuseUnknownPods } from '../../network/overlay/route-table.ts';
import { encryptedPacketSize } from '../../network/overlay/wireguard-device.ts';
import { policyTableName } from '../../network/policy/base-rules.ts';
import { createNetworkPolicies, type NetworkPolicies } from '../../network/policy/network-policies.ts';
import { servedFamilies, tableName } from '../../network/proxy/base-rules.ts';
import { createServiceProxy, type ServiceProxy } from '../../network/proxy/service-proxy.ts';
import { usualStatusPorts } from '../../network/proxy/status-server.ts';
import { createEventRecorders } from '../../reconcile/event-recorder.ts';
import type { InformerFactory } from '../../reconcile/informer.ts';
import { createInformerFactory } from '../../reconcile/informer-factory.ts';
import { KnownServers } from '../join/known-servers.ts';
import type { MachineRuntime } from '../settings/runtime-endpoint.ts';
import { serviceIp } from '../settings/service-range.ts';
import { userAgent } from '../user-agents.ts';
import { sandboxImage } from './containerd.ts';
import { ownerOf, socketsOf } from './machine-runtime.ts';
import { readIdentity } from './node-identities.ts';
import { networkFolders } from './node-network.ts';
import type { NodeProcessOptions } from './node-process-options.ts';
import { resolvConfFile } from './resolv-conf.ts';

const options = JSON.parse(process.argv[2]!) as NodeProcessOptions;
const { nodeName, address, clusterDomain, serviceCidr } = options;
const log = createLogger((line) => process.stdout.write(line));
const clock = systemClock;
const random = systemRandom;
shrinkAtRest();
const stopping = new AbortController();
const { signal } = stopping;
const podsEnd = Promise.withResolvers<void>();
process.once('SIGTERM', () => (options.endsPods ? podsEnd.resolve() : stopping.abort()));
process.once('SIGINT', () => stopping.abort());
process.on('unhandledRejection', (error) => {
  log.error('a promise was rejected and nobody looked', error);
  process.exit(1);
});

const { kubeletConfigFile } = options;
const config = kubeletConfigFile
  ? parseKubeletConfiguration(await readFile(kubeletConfigFile, 'utf8'))
  : defaultKubeletConfiguration();
const ca = await readFile(join(options.pki, 'ca.crt'), 'utf8');
const servers = options.serversFile ? new KnownServers(options.serversFile, [options.server]) : undefined;
const transportAs = (name: 'node-client' | 'node-proxy') =>
  createHttpsTransport({
    server: servers ? () => servers.list() : options.server,
    ca,
    clock,
    clientCertificate: () => readIdentity(options.pki, name),
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

servers?.follow(proxyInformers);

// Pods come through the agent's own watch: it sees this node's already, and nobody else may.
const networkInformers: InformerFactory = {
  run: (until) => proxyInformers.run(until),
  waitForSync: (until) => proxyInformers.waitForSync(until),
  informer: (kind, selection) =>
    (kind.plural === podKind.plural ? informers : proxyInformers).informer(kind, selection),
};

const serving = await readIdentity(options.pki, 'node-serving');
const { machineRuntime } = options;
const cri = createCriRuntime({
  ...(machineRuntime ? socketsOf(machineRuntime) : { socketPath: options.containerdSocket }),
  clock,
  log,
});
const runtime = machineRuntime ? shareRuntime(cri, ownerOf(options)) : cri;
const facts: RuntimeFacts = machineRuntime
  ? await factsOnceUp()
  : { imageDir: dirname(options.containerdSocket), sandboxImage };
const resolvConf = await resolvConfFile();
await shareMounts(options.folder).catch((error) =>
  log.warn('mounts of drivers stay in their containers', { error: String(error) }),
);
let proxy: ServiceProxy | undefined;
const addressOf6 = Promise.withResolvers<string | undefined>();
const policies = Promise.withResolvers<NetworkPolicies>();
const agent = createNodeAgent({
  nodeName,
  client,
  informers,
  runtime,
  dataDir: options.folder,
  address,
  port: options.agentPort,
  tls: { cert: serving.certificate, key: serving.key, clientCa: ca },
  clusterDns: [serviceIp(serviceCidr, 10)],
  clusterDomain,
  furtherAddress: addressOf6.promise,
  cgroupParent: options.cgroup,
  resolvConf,
  config: machineRuntime ? withRuntime(machineRuntime) : config,
  ...facts,
  shutdown: { begun: podsEnd.promise, done: () => stopping.abort() },
  ...(options.providerId ? { providerId: options.providerId } : {}),
  ...(options.machine ? { labels: { [machineLabel]: options.machine } } : {}),
  beforeStart: async (pod, addresses) => (await policies.promise).protect(pod, addresses),
  beforeStop: async (pod) => proxy?.released(pod),
  clock,
  log: log.with({ component: 'node' }),
});

const folders = networkFolders(options.name, options.folder, machineRuntime?.cniConfDir);
// What a runtime of the machine's forgot is for its own people to find.
const orphans = machineRuntime
  ? undefined
  : createOrphanSweep({
      dataDir: dirname(options.containerdSocket),
      socketPath: options.containerdSocket,
      cniConfDir: folders.cniConfDir,
      runtime,
      clock,
      log: log.with({ component: 'node' }),
    });

await Promise.all([
  agent.run(signal),
  orphans?.run(signal),
  runNetwork(),
  informers.run(signal),
  proxyInformers.run(signal),
]);
runtime.close();
process.exit(0);

/** As `/configz` tells it: with the endpoint that is used, and the driver that the runtime has. */
function withRuntime({ socket, imageSocket }: MachineRuntime): KubeletConfiguration {
  const { cgroupDriver = config.cgroupDriver } = facts;
  const imageService = imageSocket ? { imageServiceEndpoint: `unix://${imageSocket}` } : {};
  return {
    ...config,
    json: { ...config.json, containerRuntimeEndpoint: `unix://${socket}`, ...imageService, cgroupDriver },
  };
}

/** The machine's runtime may come up after us. */
async function factsOnceUp(): Promise<RuntimeFacts> {
  while (!signal.aborted && !(await cri.version().catch(() => undefined))) await clock.sleep(200, signal);
  const { imageDir, ...told } = await cri.facts();
  return { cgroupDriver: config.cgroupDriver, ...told, ...(imageDir && existsSync(imageDir) ? { imageDir } : {}) };
}

/** The pod network, once the node has its range; then services and names on top of it. */
async function runNetwork(): Promise<void> {
  const podCidr = await podRange();
  if (podCidr === undefined) return;
  const isEncrypted = options.podNetworkEncryption === 'wireguard';
  const network = {
    ...folders,
    podCidr,
    serviceCidr,
    ...(options.sysctlRecord ? { recordDir: options.sysctlRecord } : {}),
    ...(isEncrypted ? { mtu: await encryptedPacketSize(address) } : {}),
  };
  let packetBytes: number | undefined;
  if (isEncrypted) await refuseUnknownPods(options.podCidr);
  const { bridge, gateway, gateways, bridgeMac } = await ensureHostNetwork(network);
  // Wires between nodes need no range of IPv6: by that family a node is known as what its pods know it as.
  addressOf6.resolve(gateways.find((each) => familyOf(each) === 'IPv6'));
  proxy = createServiceProxy({
    table: tableName(options.name),
    bridge,
    podCidr,
    clusterPodCidr: options.podCidr,
    serviceCidr,
    bridgeMac,
    nodeName,
    statusPorts: usualStatusPorts,
    informers: networkInformers,
    clock,
    log: log.with({ component: 'proxy' }),
  });
  const events = createEventRecorders({ client: proxyClient, clock, log, host: nodeName });
  const held = createNetworkPolicies({
    table: policyTableName(options.name),
    families: servedFamilies(network),
    nodeName,
    informers: proxyInformers,
    recorder: events.recorder('network-policies'),
    clock,
    log: log.with({ component: 'policies' }),
  });
  // Until the services' rules are there, pods of one node meet where no policy looks.
  void proxy.ready.then(() => policies.resolve(held));
  const dns = createDnsServer({
    informers: proxyInformers,
    address: gateway,
    upstreams: configuredUpstreams({
      informers: proxyInformers,
      otherwise: upstreamsFromFile(resolvConf, gateways, clock),
      log: log.with({ component: 'dns' }),
    }),
    metricsPort: dnsMetricsPort,
    clusterDomain,
    podCidr: options.podCidr,
    serviceCidr,
    clock,
    log: log.with({ component: 'dns' }),
  });
  const routes = createPodRoutes({
    clusterName: options.name,
    nodeName,
    machine: options.machine,
    async onPacketSize(bytes) {
      if (bytes !== packetBytes) await ensureHostNetwork({ ...network, mtu: bytes });
      packetBytes = bytes;
    },
    address,
    podCidr,
    clusterPodCidr: options.podCidr,
    ...(isEncrypted ? { encryption: { keyFile: join(options.folder, 'wireguard.key'), publish: annotate } } : {}),
    tunnelId: createHash('sha256').update(ca).digest().readUIntBE(0, 3),
    informers: proxyInformers,
    clock,
    log: log.with({ component: 'overlay' }),
  });
  const announcer = createAnnouncer({
    nodeName,
    bridge,
    informers: proxyInformers,
    clock,
    log: log.with({ component: 'load-balancer' }),
  });
  await Promise.all([routes, proxy, held, events, dns, announcer].map((component) => component.run(signal)));
}

async function annotate(annotations: Readonly<Record<string, string>>): Promise<void> {
  const place = { namespace: '', name: nodeName };
  await client.resource(nodeKind).patch(place, { metadata: { annotations } }, { type: 'merge', signal });
}

/** The ranges the controllers gave this node; waits for them. Undefined when we are stopped before. */
async function podRange(): Promise<string | undefined> {
  while (!signal.aborted) {
    try {
      const node = await client.resource(nodeKind).find({ namespace: '', name: nodeName }, { signal });
      if (node?.spec.podCIDR) return (node.spec.podCIDRs ?? [node.spec.podCIDR]).join(',');
    } catch (error) {
      if (!signal.aborted) log.debug('the node is not known yet', { problem: String(error) });
    }
    await clock.sleep(25, signal);
  }
  return undefined;
}
