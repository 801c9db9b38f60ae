// The node agent: registers its node, runs the pods bound to it, tells their status, serves their logs and streams.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeAddress, Pod } from '../../generated/core-v1.ts';
import {
  nodeKind,
  persistentVolumeClaimKind,
  persistentVolumeKind,
  podKind,
  serviceKind,
} from '../../generated/kinds.ts';
import { localVolumesFolder } from '../api/core/local-volumes.ts';
import { isConflict, isNotFound } from '../api/meta/status-error.ts';
import { managedAnnotation } from '../api/storage/attachable-volumes.ts';
import type { Clock } from '../base/clock.ts';
import type { Component } from '../base/component.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import { createEventRecorders } from '../reconcile/event-recorder.ts';
import type { InformerFactory } from '../reconcile/informer.ts';
import { openCgroupTree } from './cgroups/cgroup-tree.ts';
import { containerFiles } from './cgroups/container-files.ts';
import { defaultKubeletConfiguration } from './config/configuration.ts';
import type { KubeletConfiguration } from './config/types.ts';
import { createCsiNode } from './csi/csi-node.ts';
import { NodeDevices } from './devices/node-devices.ts';
import { createNodeEvents } from './events.ts';
import { createNodeImages } from './images/node-images.ts';
import { onMachine } from './node/kubelet-root.ts';
import { networkCheck } from './node/network-check.ts';
import { createNodeCare } from './node/node-care.ts';
import { describeMachine } from './node/node-facts.ts';
import { NodeRegistrar } from './node/node-registrar.ts';
import { checkReservations, limitOfPods, resourcesOfNode } from './node/node-resources.ts';
import { createPluginWatcher } from './plugin-registration/plugin-watcher.ts';
import { createPodResourcesServer } from './pod-resources/pod-resources-server.ts';
import { Backoff } from './pods/backoff.ts';
import { type ClusterDns, type DnsSettings, parseResolvConf } from './pods/dns-config.ts';
import { runHook } from './pods/hooks.ts';
import { hostAbilities } from './pods/host-admission.ts';
import { PodManager } from './pods/pod-manager.ts';
import type { PodServices } from './pods/pod-services.ts';
import { createHandlerLookup } from './pods/runtime-classes.ts';
import { RuntimeTracker } from './pods/runtime-tracker.ts';
import { readTermination } from './pods/termination-message.ts';
import { createUserNamespaces } from './pods/user-namespaces.ts';
import { runProbe } from './probes/run-probe.ts';
import { createRateLimit } from './rate-limit.ts';
import { ReferenceCache } from './reference-cache.ts';
import type { CgroupDriver, ContainerRuntime } from './runtime/runtime.ts';
import type { NodeAuthenticate } from './server/authenticate.ts';
import type { NodeAuthorize } from './server/authorize.ts';
import type { ServedNode } from './server/handlers.ts';
import { NodeFigures } from './server/metrics/node-figures.ts';
import type { NodeServerTls } from './server/node-server.ts';
import { createStaticPods } from './static-pods/static-pods.ts';
import { createPodStatusSink } from './status/status-writer.ts';
import { readChapSecret } from './volumes/iscsi/chap-secret.ts';
import { IscsiNode } from './volumes/iscsi/iscsi-volumes.ts';
import { LocalVolumes } from './volumes/local-volumes.ts';
import { systemMounter } from './volumes/mounter.ts';
import { NodeAttachments } from './volumes/node-attachments.ts';
import { TokenSource } from './volumes/token-source.ts';
import { VolumeManager } from './volumes/volume-manager.ts';

const usualResolvConf = '/etc/resolv.conf';

export interface NodeAgentOptions {
  readonly nodeName: string;
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly runtime: ContainerRuntime;
  /** Holds pods/, logs/, memory/. */
  readonly dataDir: string;
  /** The node's address: its InternalIP. */
  readonly address: string;
  /** Its address of the other family, once that is known; undefined where it has none. */
  readonly furtherAddress?: Promise<string | undefined>;
  /** Port of the node API; 0 takes any, -1 serves none. */
  readonly port: number;
  readonly tls?: NodeServerTls;
  /** Who asks the node API; default: by client certificate, or by TokenReview. */
  readonly authenticate?: NodeAuthenticate;
  /** Who may use it; default: `system:masters` and the API server, others by SubjectAccessReview. */
  readonly authorize?: NodeAuthorize;
  /** Addresses of the cluster's DNS. */
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly podCidr?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Which machine of a provider the node is. */
  readonly providerId?: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Name of the cgroup above all pods; one for each cluster on a machine. Default `coracle`. */
  readonly cgroupParent?: string;
  /** How the runtime keeps cgroups; default cgroupfs. */
  readonly cgroupDriver?: CgroupDriver;
  /** How the node looks after itself; default: what a node without a file has. */
  readonly config?: KubeletConfiguration;
  /** Default DATA/logs/pods. */
  readonly podLogDir?: string;
  /** A folder on the disk of images and containers' layers; default DATA. */
  readonly imageDir?: string;
  /** What sandboxes are made of: never removed. */
  readonly sandboxImage?: string;
  /** Settles when pods are to end before the agent does; `done` is called when they have. */
  readonly shutdown?: { readonly begun: Promise<void>; readonly done: () => void };
  /** The node's resolv.conf; default /etc/resolv.conf. */
  readonly resolvConf?: string;
  /** Settles when the policies about this pod are in force at its addresses; nothing of it is started before. */
  readonly beforeStart?: (pod: Pod, addresses: readonly string[]) => Promise<void>;
  /** Settles when no Service leads to this pod any more: its containers are told to stop then, or a second later. */
  readonly beforeStop?: (pod: Pod) => Promise<void>;
}

/** Runs until its signal; pods go on without it. */
export function createNodeAgent(options: NodeAgentOptions): Component {
  return { name: 'node-agent', run: (signal) => runAgent(options, signal) };
}

async function runAgent(options: NodeAgentOptions, signal: AbortSignal): Promise<void> {
  const { nodeName, client, informers, dataDir, clock, log } = options;
  const config = options.config ?? defaultKubeletConfiguration();
  const eventRate = createRateLimit(config.events, clock);
  const recorders = createEventRecorders({ client, clock, log, host: nodeName, turn: eventRate.take });
  const figures = new NodeFigures(clock);
  const runtime = figures.observeRuntime(options.runtime);
  const pods = informers.informer(podKind, { fieldSelector: `spec.nodeName=${nodeName}` });
  const services = informers.informer(serviceKind);
  const nodes = informers.informer(nodeKind, { fieldSelector: `metadata.name=${nodeName}` });
  const recorder = recorders.recorder('kubelet');
  const events = createNodeEvents(recorder);
  nodes.onChange({
    updated(node, before) {
      const isClosed = node.spec?.unschedulable ?? false;
      if (isClosed === (before.spec?.unschedulable ?? false)) return;
      const reason = isClosed ? 'NodeNotSchedulable' : 'NodeSchedulable';
      events.node(node, 'Normal', reason, `Node ${nodeName} status is now: ${reason}`);
    },
  });
  await mkdir(dataDir, { recursive: true, mode: 0o755 });
  const machine = await describeMachine(dataDir);
  checkReservations(machine, config);
  const resources = resourcesOfNode(machine, config);
  const { allocatable } = resources;
  const hostDns = await readHostDns(resolvConfOf(options, config));
  const dns: ClusterDns = { clusterDns: options.clusterDns, clusterDomain: options.clusterDomain, host: hostDns };
  const logDir = options.podLogDir ?? join(dataDir, 'logs', 'pods');
  const references = new ReferenceCache({ client, clock, onChange: (uids) => manager.referencesChanged(uids) });
  const localVolumes = new LocalVolumes(dataDir);
  const tokens = new TokenSource(client, clock);
  const attachments = new NodeAttachments({
    nodeName,
    client,
    clock,
    isManaged: config.controllerAttaches,
    writeStatus: () => registrar.refresh(),
  });
  const csi = createCsiNode({
    nodeName,
    nodeDir: dataDir,
    client,
    informers,
    mounter: systemMounter,
    recorder,
    clock,
    log,
    attachments,
  });
  figures.others.push(csi.metrics.family);
  const iscsi = new IscsiNode({
    nodeDir: dataDir,
    mounter: systemMounter,
    clock,
    log: log.with({ component: 'iscsi' }),
    attachments,
    secret: (reference) => readChapSecret(client, reference),
  });
  const volumes = new VolumeManager({
    nodeDir: dataDir,
    services: {
      objects: references,
      tokens,
      mounter: systemMounter,
      localVolumes,
      csi: csi.volumes,
      iscsi,
      clock,
      log,
      events,
      claims: {
        claim: (namespace, name) => client.resource(persistentVolumeClaimKind).find({ namespace, name }),
        volume: (name) => client.resource(persistentVolumeKind).find({ namespace: '', name }),
      },
    },
  });
  const tracker = new RuntimeTracker({
    runtime,
    clock,
    log,
    onChange: (uid) => manager.runtimeChanged(uid),
    readTermination: (record) => readTermination(record, volumes.podDir(record.podUid)),
  });
  const { name: runtimeName, version: runtimeVersion } = await untilAnswer(() => runtime.version(), clock, signal);
  const devices = new NodeDevices({
    nodeName,
    nodeDir: dataDir,
    client,
    clock,
    log,
    runtimeHasCdi: runtimeName !== 'containerd' || !/^v?1\./.test(runtimeVersion),
    observer: figures.deviceObserver,
    activePodUids: () => manager.activePodUids(),
    onCapacity: () => void registrar.refresh(),
    onHealth(podUids) {
      for (const uid of podUids) manager.runtimeChanged(uid);
    },
  });
  await devices.load();
  const hostIPs = [options.address];
  const cgroups = await openCgroupTree({
    parent: options.cgroupParent ?? 'coracle',
    podPidsLimit: Math.max(0, config.podPidsLimit),
    cpuLimits: config.cpuLimits,
    ...(options.cgroupDriver ? { driver: options.cgroupDriver } : {}),
    hugePageSizes: (machine.hugePages ?? []).filter(({ bytes }) => bytes > 0).map(({ size }) => size),
  });
  const handlerOf = createHandlerLookup(client);
  const podServices: PodServices = {
    runtime,
    tracker,
    images: await createNodeImages({
      runtime,
      events,
      clock,
      log,
      client,
      tokens,
      dataDir,
      configuration: config.json,
      rate: createRateLimit(config.registryPulls, clock),
    }),
    volumes,
    references,
    cgroups,
    devices,
    events,
    clock,
    log,
    restarts: new Backoff(Math.min(10_000, config.maxRestartPeriodMs), config.maxRestartPeriodMs),
    probe: figures.observeProbe(runProbe, () => tracker),
    hook: runHook,
    security: { seccompDefault: config.seccompDefault, seccompRoot: join(dataDir, 'seccomp') },
    host: hostAbilities(config.allowedUnsafeSysctls),
    node: {
      known: () => nodes.find(nodeName),
      now: () => client.resource(nodeKind).find({ namespace: '', name: nodeName }),
    },
    users: createUserNamespaces({
      dataDir,
      podDir: (uid) => volumes.podDir(uid),
      handlerOf,
      isSupported: async (handler) =>
        (await runtime.features()).handlers.some(({ name, userNamespaces }) => name === handler && userNamespaces),
    }),
    dns: () => dns,
    hostIPs,
    runtimeName,
    memoryCapacityBytes: machine.memoryBytes,
    cpuLimits: config.cpuLimits,
    containerFiles: containerFiles({
      version: cgroups.version,
      singleProcessOomKill: config.singleProcessOomKill,
      hasSwapLimit: await cgroups.hasSwapLimit(),
    }),
    logDir,
    factsFor: (_, podIPs) => ({ nodeName, hostIPs, podIPs, allocatable }),
    services: () => services.list(),
    servicesSynced: () => services.hasSynced,
    runtimeHandler: handlerOf,
    ...(options.beforeStart ? { beforeStart: options.beforeStart } : {}),
    ...(options.beforeStop ? { beforeStop: options.beforeStop } : {}),
    networkProblem: networkCheck(runtime, clock),
    statusSink: () => figures.observeSink(createPodStatusSink({ client, clock, log })),
    deletePod: (pod) => deleteForGood(client, pod),
    removeRuntimeState: (pod) => manager.removeRuntimeState(pod.metadata.uid!),
  };
  const manager: PodManager = new PodManager({
    services: podServices,
    pods,
    admission: (pod) => care.admission(pod),
    staticServices: (pod) => staticPods.services(podServices, pod),
    upkeep: config,
  });
  const staticPods = createStaticPods({
    config,
    client,
    pods,
    nodeName,
    nodeUid: () => registrar.node?.metadata.uid,
    sink: podServices.statusSink,
    manager: () => manager,
    clock,
    log,
  });
  const care = createNodeCare({
    config,
    node: { metadata: { name: nodeName } },
    nodeDir: dataDir,
    imageDir: options.imageDir ?? dataDir,
    logDir,
    keepImages: options.sandboxImage ? [options.sandboxImage] : [],
    podDir: (uid) => volumes.podDir(uid),
    resources,
    limit: limitOfPods(machine, config, await pidMax()),
    cgroups,
    resolvConf: resolvConfOf(options, config),
    clusterDomain: options.clusterDomain,
    manager,
    tracker,
    runtime,
    events,
    clock,
    log,
    onChange: () => void registrar.refresh(),
  });
  const addresses: NodeAddress[] = [
    { type: 'InternalIP', address: options.address },
    { type: 'Hostname', address: nodeName },
  ];
  await using server =
    options.port >= 0 && options.tls
      ? await startServer(options, {
          nodeName,
          nodeDir: dataDir,
          services: podServices,
          pods: () => manager.pods(),
          activePods: () => manager.activePods(),
          logDir,
          localVolumes,
          machine,
          podsGroup: cgroups.podsGroup,
          figures,
          configuration: config.json,
        })
      : undefined;
  const registrar = new NodeRegistrar({
    nodeName,
    client,
    runtime,
    events,
    clock,
    log,
    machine,
    addresses,
    resources: () => resources,
    pressure: () => care.pressure(),
    problems: () => care.problems(),
    findings: () => care.findings(),
    taints: config.registerWithTaints,
    port: server?.port ?? Math.max(0, options.port),
    labels: options.labels ?? {},
    providerId: config.providerId ?? options.providerId,
    annotations: {
      [localVolumesFolder]: localVolumes.folder,
      [managedAnnotation]: config.controllerAttaches ? 'true' : undefined,
    },
    devices: () => devices.plugins.counts(),
    volumesInUse: () => attachments.volumesInUse(),
    beforeReady: () => csi.initialize(),
    timing: config,
    ...(options.podCidr ? { podCidr: options.podCidr } : {}),
  });
  const plugins = createPluginWatcher({
    folder: join(dataDir, 'plugins_registry'),
    handlers: [devices.claims.drivers, csi.handler],
    onMachine: (path) => onMachine(path, dataDir),
    clock,
    log: log.with({ component: 'plugins' }),
  });
  const podResources = createPodResourcesServer({
    socketPath: join(dataDir, 'pod-resources', 'kubelet.sock'),
    pods: () => manager.activePods(),
    plugins: devices.plugins,
    claims: devices.claims,
    clock,
  });
  void options.furtherAddress?.then((address) => {
    if (address === undefined) return;
    hostIPs.push(address);
    addresses.splice(1, 0, { type: 'InternalIP', address });
    void registrar.refresh();
  });
  void options.shutdown?.begun.then(() => care.shutDown()).finally(options.shutdown.done);
  await Promise.all([
    recorders.run(signal),
    devices.run(signal),
    podResources.run(signal),
    plugins.run(signal),
    csi.run(signal),
    iscsi.run(signal),
    registrar.register(signal).then(() => registrar.run(signal)),
    manager.run(signal),
    care.run(signal),
    staticPods.run(signal),
  ]);
  references.close();
}

async function startServer(options: NodeAgentOptions, parts: ServedNode) {
  const [{ startNodeServer }, { createAuthentication }, { createAuthorization }] = await Promise.all([
    import('./server/node-server.ts'),
    import('./server/authenticate.ts'),
    import('./server/authorize.ts'),
  ]);
  const { client, clock, nodeName } = options;
  const authenticate = options.authenticate ?? createAuthentication(client, clock);
  const authorize = options.authorize ?? createAuthorization(client, clock, nodeName);
  const serve = (port: number) =>
    startNodeServer({
      address: options.address,
      port,
      tls: options.tls!,
      authenticate,
      authorize,
      ...parts,
    });
  try {
    return await serve(options.port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    // The node's status tells where it listens: another cluster's agent may have been quicker.
    options.log.warn('the port of the node API is taken; another one serves', { port: options.port });
    return serve(0);
  }
}

async function pidMax(): Promise<number> {
  return Number(await readFile('/proc/sys/kernel/pid_max', 'utf8').catch(() => 2 ** 22));
}

/** The file's, where it names one; else the one that the machine's daemon keeps for others. */
function resolvConfOf({ resolvConf = usualResolvConf }: NodeAgentOptions, config: KubeletConfiguration): string {
  return config.resolvConf === usualResolvConf ? resolvConf : config.resolvConf;
}

async function readHostDns(path: string): Promise<DnsSettings> {
  return parseResolvConf(await readFile(path, 'utf8').catch(() => ''));
}

async function untilAnswer<T>(ask: () => Promise<T>, clock: Clock, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted) throw error;
      await clock.sleep(200, signal);
    }
  }
}

/** Takes the object away, unless another pod has the name by now. */
async function deleteForGood(client: Client, { metadata }: Pod): Promise<void> {
  const key = { namespace: metadata.namespace!, name: metadata.name };
  try {
    await client.resource(podKind).delete(key, { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid! } });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
