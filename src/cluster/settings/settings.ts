// What is decided once, when a cluster is made, and kept: ports, ranges, the kind of nodes.
import { existsSync, readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { writeDurably } from '../../base/durable-file.ts';
import { exitCodes, UserFailure } from '../failure.ts';
import { type NodeSettings, withMachineAddress, withNodeCount } from '../nodes/further-nodes.ts';
import type { PodNetworkEncryption } from '../nodes/pod-network-encryption.ts';
import { type Choices, keptChoices } from './choices.ts';
import type { Layout } from './layout.ts';
import { makeDataDir } from './make-data-dir.ts';
import { firstFreePort, requirePort, takePort } from './ports.ts';
import { refuseRanges } from './service-range.ts';
import { claimSlot, rangesOfSlot } from './slots.ts';

export interface Settings extends NodeSettings, Choices {
  /** Simulated nodes; absent: one real node, this machine. */
  readonly simulatedNodes?: number;
  readonly apiPort: number;
  /** Where the node agent listens. */
  readonly agentPort: number;
  readonly clusterDomain: string;
  /** The address components and pods reach the API server by. */
  readonly address: string;
  /** The user's kubeconfig that the context was merged into. */
  readonly kubeconfigFile: string;
  /** Others that it was merged into before, and may be in yet. */
  readonly earlierKubeconfigFiles?: readonly string[];
  /** Absent: none. */
  readonly podNetworkEncryption?: PodNetworkEncryption;
}

export interface SettingsRequest extends Choices {
  readonly simulatedNodes?: number;
  /** How many real nodes, the machine itself among them. */
  readonly realNodes?: number;
  readonly port?: number;
  readonly podCidr?: string;
  readonly serviceCidr?: string;
  readonly podNetworkEncryption?: PodNetworkEncryption;
  readonly kubeconfigFile: string;
}

const defaultApiPort = 6443;
/** Each node gets a /24 of the pods' range; there is room for 8,192 in the larger one. */
const nodesInUsualRange = 256;
const manyNodesRange = '10.32.0.0/11';
export const defaultAgentPort = 10250;

/** Reads the cluster's settings, or decides and writes them when it is new. Flags that differ from a made cluster are refused. */
export async function ensureSettings(
  layout: Layout,
  request: SettingsRequest,
): Promise<{ settings: Settings; isNew: boolean }> {
  const existing = readSettings(layout);
  if (existing) {
    refuseChanges(existing, request, layout);
    const isReal = existing.simulatedNodes === undefined;
    const slot = isReal ? claimSlot(layout.dataDir) : 0;
    const apiPort = request.port ?? existing.apiPort;
    await requirePort(apiPort, layout.settings);
    // Another cluster may have taken the agent's port while this one was down.
    const { agentPort } = existing;
    const isAgentPortFree = agentPort !== apiPort && (await takePort(agentPort, layout.settings));
    const known: Settings = {
      ...existing,
      ...(request.simulatedNodes === undefined ? {} : { simulatedNodes: request.simulatedNodes }),
      apiPort,
      agentPort: isAgentPortFree ? agentPort : await firstFreePort(defaultAgentPort, layout.settings, apiPort),
      ...serverAddress(isReal, { ...existing, ...request }),
      kubeconfigFile: request.kubeconfigFile,
      earlierKubeconfigFiles: earlierFiles(existing, request.kubeconfigFile),
      ...keptChoices(existing, request),
    };
    const settings = withMachineAddress(request.realNodes ? withNodeCount(known, request.realNodes, slot) : known);
    writeSettings(layout, settings);
    return { settings, isNew: false };
  }
  const isReal = request.simulatedNodes === undefined;
  makeDataDir(layout.dataDir);
  const slot = isReal ? claimSlot(layout.dataDir) : 0;
  const ranges = rangesOfSlot(slot);
  if (request.port) await requirePort(request.port, layout.settings);
  const apiPort = request.port ?? (await firstFreePort(defaultApiPort, layout.settings));
  const hasManyNodes = (request.simulatedNodes ?? 0) > nodesInUsualRange;
  const podCidr = request.podCidr ?? (hasManyNodes ? manyNodesRange : ranges.podCidr);
  const serviceCidr = request.serviceCidr ?? ranges.serviceCidr;
  refuseRanges(podCidr, serviceCidr);
  const decided: Settings = {
    name: layout.name,
    ...(isReal ? {} : { simulatedNodes: request.simulatedNodes! }),
    apiPort,
    agentPort: await firstFreePort(defaultAgentPort, layout.settings, apiPort),
    podCidr,
    serviceCidr,
    loadBalancerRange: [ranges.loadBalancerRange, ...(podCidr.includes(':') ? [ranges.loadBalancerRange6] : [])].join(),
    clusterDomain: 'cluster.local',
    nodeName: hostname().toLowerCase(),
    ...serverAddress(isReal, request),
    kubeconfigFile: request.kubeconfigFile,
    ...(request.podNetworkEncryption ? { podNetworkEncryption: request.podNetworkEncryption } : {}),
    ...keptChoices({}, request),
  };
  const settings = withMachineAddress(isReal ? withNodeCount(decided, request.realNodes ?? 1, slot) : decided);
  writeSettings(layout, settings);
  return { settings, isNew: true };
}

/** Files that are gone need not be remembered. */
const earlierFiles = ({ kubeconfigFile, earlierKubeconfigFiles = [] }: Settings, now: string): string[] =>
  [...new Set([...earlierKubeconfigFiles, kubeconfigFile])].filter((file) => file !== now && existsSync(file));

type ServerAddress = Pick<Settings, 'address' | 'advertiseAddress' | 'bindAddress'>;

function serverAddress(isReal: boolean, said: Omit<ServerAddress, 'address'>): ServerAddress {
  const { advertiseAddress, bindAddress } = said;
  // Nobody else reaches a server that listens on the loopback; one that listens at one address is reached by it.
  const isOne = bindAddress !== undefined && bindAddress !== '0.0.0.0';
  const usual = isOne ? bindAddress : isReal || bindAddress ? hostAddress() : '127.0.0.1';
  return {
    address: advertiseAddress ?? usual,
    ...(advertiseAddress ? { advertiseAddress } : {}),
    ...(bindAddress ? { bindAddress } : {}),
  };
}

/** Whether other machines can reach the API server, and join. */
export const isReachable = ({ address }: Pick<Settings, 'address'>): boolean => !address.startsWith('127.');

/** Where the API server listens. */
export function listenAddress(settings: Pick<Settings, 'address' | 'bindAddress'>, isReal: boolean): string {
  if (settings.bindAddress) return settings.bindAddress;
  return isReal || isReachable(settings) ? '0.0.0.0' : '127.0.0.1';
}

export function readSettings(layout: Layout): Settings | undefined {
  if (!existsSync(layout.settings)) return undefined;
  return JSON.parse(readFileSync(layout.settings, 'utf8')) as Settings;
}

export function writeSettings(layout: Layout, settings: Settings): void {
  writeDurably(layout.settings, `${JSON.stringify(settings, null, 2)}\n`);
}

function refuseChanges(existing: Settings, request: SettingsRequest, layout: Layout): void {
  const was = existing.simulatedNodes === undefined ? 'real nodes' : 'simulated nodes';
  const wants = request.simulatedNodes === undefined ? 'real nodes' : 'simulated nodes';
  const differing =
    was !== wants
      ? `has ${was}, not ${wants}`
      : request.podCidr && request.podCidr !== existing.podCidr
        ? `has pod range ${existing.podCidr}`
        : request.serviceCidr && request.serviceCidr !== existing.serviceCidr
          ? `has service range ${existing.serviceCidr}`
          : request.storage?.etcd && !existing.storage?.etcd
            ? 'keeps its objects in its own store, not in etcd'
            : encryptionOf({ ...existing, ...request }) !== encryptionOf(existing)
              ? `was made with --pod-network-encryption ${encryptionOf(existing)}`
              : request.machineRuntime && !isDeepStrictEqual(request.machineRuntime, existing.machineRuntime)
                ? `has its containers in ${existing.machineRuntime?.socket ?? 'a containerd of its own'}${networkOf(existing)}`
                : undefined;
  if (!differing) return;
  throw new UserFailure(
    exitCodes.conflict,
    'E_OTHER_SETTINGS',
    `the cluster in ${layout.dataDir} ${differing}`,
    `take another name (--name), or begin anew: coracle delete --name ${existing.name} --data-dir ${layout.dataDir}`,
  );
}

const networkOf = ({ machineRuntime }: Settings) =>
  machineRuntime?.cniConfDir ? ` and their network in ${machineRuntime.cniConfDir}` : '';

const encryptionOf = ({ podNetworkEncryption = 'none' }: Pick<Settings, 'podNetworkEncryption'>) =>
  podNetworkEncryption;

/** The first IPv4 address that others can reach this machine by; loopback when there is none. */
export function hostAddress(): string {
  const usable = Object.entries(networkInterfaces())
    .filter(([name]) => !/^(lo|docker|cni|br-|veth|virbr|cor[nvwx]?-)/.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter((each) => each.family === 'IPv4' && !each.internal && !each.address.startsWith('169.254.'));
  return usable[0]?.address ?? '127.0.0.1';
}
