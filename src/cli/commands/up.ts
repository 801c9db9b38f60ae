import { isIPv4 } from 'node:net';
import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { parseAddressRanges } from '../../api/meta/address-range.ts';
import { userKubeconfigPath } from '../../cluster/kubeconfig.ts';
import { type PodNetworkEncryption, podNetworkEncryptions } from '../../cluster/nodes/pod-network-encryption.ts';
import type { RuntimeFlags } from '../../cluster/settings/runtime-endpoint.ts';
import { rangeProblem } from '../../cluster/settings/service-range.ts';
import { componentNames, type UpOptions } from '../../cluster/settings/up-options.ts';
import { type AuditFlags, addAuditFlags, auditOptions } from '../audit-flags.ts';
import { type ClusterOptions, clusterCommand, layoutFrom } from '../cluster-options.ts';
import { printSteps } from '../print-steps.ts';
import { addRuntimeFlags, runtimeFlags } from '../runtime-flags.ts';
import { addStorageFlags, parseDuration, type StorageFlags, storageOptions } from '../storage-flags.ts';

interface Flags extends ClusterOptions, StorageFlags, AuditFlags, RuntimeFlags {
  detach?: boolean;
  port?: number;
  kubeconfig?: string;
  simulation?: string;
  nodes?: Pick<UpOptions, 'realNodes' | 'simulatedNodes'>;
  nodeGroups?: string;
  nodeMonitorGracePeriod?: number;
  advertiseAddress?: string;
  bindAddress?: string;
  clusterSigningDuration?: number;
  only?: UpOptions['only'];
  serviceCidr?: string;
  podCidr?: string;
  loadBalancerRange?: string;
  podNetworkEncryption?: PodNetworkEncryption;
  schedulerConfig?: string;
  kubeletConfig?: string;
  shutdownOnStop?: boolean;
}

export const upCommand = addRuntimeFlags(addAuditFlags(addStorageFlags(clusterCommand('up'))))
  .description('start the cluster, or bring it back with its pods')
  .option('--detach', 'return when the cluster is ready and leave it running')
  .option('--port <port>', 'port of the API server (default 6443, or the next that is free)', parsePort)
  .option('--advertise-address <ip>', "others reach the API server by it (default: the machine's)", parseIp)
  .option('--bind-address <ip>', 'the API server listens at it (default: all; loopback without real nodes)', parseIp)
  .option('--kubeconfig <file>', 'merge the context into this file instead of your own kubeconfig')
  .option('--nodes <nodes>', 'N real nodes on this machine; or simulated:N, without root and containers', parseNodes)
  .option('--simulation <file>', 'how simulated pods and nodes live: YAML, into ConfigMap kube-system/simulation')
  .option('--node-groups <groups>', 'simulated nodes come and go: NAME=MIN:MAX:CPU:MEMORY,…, or a YAML file')
  .option(
    '--node-monitor-grace-period <time>',
    'a node that is silent for so long is lost (default 50s)',
    parseDuration,
  )
  .option(
    '--cluster-signing-duration <time>',
    'certificates on request are good for so long at most (default: a year)',
    parseDuration,
  )
  .option('--only <components>', `these alone: ${componentNames.join(',')}`, parseOnly)
  .option(
    '--service-cidr <ranges>',
    'addresses of Services, IPv4[,IPv6] (default 10.96.0.0/16)',
    parseRanges('services'),
  )
  .option('--pod-cidr <ranges>', 'addresses of pods, IPv4[,IPv6] (default 10.244.0.0/16)', parseRanges('pods'))
  .addOption(
    new Option(
      '--pod-network-encryption <kind>',
      'between nodes, when the cluster is made: none (default), or wireguard',
    ).choices(podNetworkEncryptions),
  )
  .option(
    '--load-balancer-range <ranges>',
    'addresses of load balancers, 192.0.2.10-192.0.2.20 or a CIDR, IPv4[,IPv6]; or none (default 198.18.0.0/24)',
    parseLoadBalancerRange,
  )
  .option('--scheduler-config <file>', 'KubeSchedulerConfiguration: profiles, plugins, extenders')
  .option('--kubelet-config <file>', 'KubeletConfiguration: eviction, reserved resources, static pods, shutdown')
  .option('--shutdown-on-stop', 'pods end when the cluster is stopped, in the order and time of --kubelet-config')
  .option('--no-shutdown-on-stop', 'pods go on when the cluster is stopped (default)')
  .action(async (flags: Flags) => {
    const storage = storageOptions(flags);
    const audit = auditOptions(flags);
    const nodeAutoscaling = flags.nodeGroups === undefined ? undefined : await nodeGroups(flags);
    const options: UpOptions = {
      layout: layoutFrom(flags),
      kubeconfigFile: flags.kubeconfig ? resolve(flags.kubeconfig) : userKubeconfigPath(),
      ...(flags.port === undefined ? {} : { port: flags.port }),
      ...flags.nodes,
      ...(flags.simulation ? { simulationFile: resolve(flags.simulation) } : {}),
      ...(flags.nodeMonitorGracePeriod ? { nodeMonitorGraceMs: flags.nodeMonitorGracePeriod } : {}),
      ...(flags.clusterSigningDuration ? { signingMs: flags.clusterSigningDuration } : {}),
      ...(flags.advertiseAddress ? { advertiseAddress: flags.advertiseAddress } : {}),
      ...(flags.bindAddress ? { bindAddress: flags.bindAddress } : {}),
      ...(flags.only ? { only: flags.only } : {}),
      ...(flags.serviceCidr ? { serviceCidr: flags.serviceCidr } : {}),
      ...(flags.podCidr ? { podCidr: flags.podCidr } : {}),
      ...(flags.podNetworkEncryption ? { podNetworkEncryption: flags.podNetworkEncryption } : {}),
      ...(flags.loadBalancerRange ? { loadBalancerRange: flags.loadBalancerRange } : {}),
      ...(flags.schedulerConfig ? { schedulerConfigFile: resolve(flags.schedulerConfig) } : {}),
      ...(await podShutdown(flags)),
      ...(flags.kubeletConfig ? { kubeletConfigFile: resolve(flags.kubeletConfig) } : {}),
      ...runtimeFlags(flags),
      ...(storage ? { storage } : {}),
      ...(audit ? { audit } : {}),
      ...(nodeAutoscaling ? { nodeAutoscaling } : {}),
    };
    const { upDetached, upForeground } = await import('../../cluster/up.ts');
    await (flags.detach ? upDetached(options, printSteps()) : upForeground(options, printSteps()));
  });

async function podShutdown(flags: Flags): Promise<Pick<UpOptions, 'podShutdownMs'>> {
  if (flags.shutdownOnStop === undefined) return {};
  if (!flags.shutdownOnStop) return { podShutdownMs: 0 };
  const { podShutdownMs } = await import('../../cluster/nodes/kubelet-configuration.ts');
  return { podShutdownMs: await podShutdownMs(flags.kubeletConfig) };
}

function parseLoadBalancerRange(value: string): string {
  try {
    if (value !== 'none') parseAddressRanges(value);
    return value;
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
}

/** Groups are of simulated nodes: without `--nodes` there is none at first. */
async function nodeGroups(flags: Flags): Promise<NonNullable<UpOptions['nodeAutoscaling']>> {
  const { exitCodes, UserFailure } = await import('../../cluster/failure.ts');
  const refuse = (problem: string) => {
    throw new UserFailure(exitCodes.usage, 'E_NODE_GROUPS', problem, 'write: --node-groups small=0:5:2:4Gi');
  };
  if (flags.nodes?.realNodes) refuse('groups are of simulated nodes: --nodes simulated:N goes with them');
  const { readNodeGroups } = await import('../../cluster/nodes/node-groups.ts');
  try {
    return readNodeGroups(flags.nodeGroups!);
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error)) as never;
  }
}

function parsePort(value: string): number {
  const port = Number(value);
  if (Number.isInteger(port) && port > 0 && port < 65536) return port;
  throw new InvalidArgumentError('a port is a number from 1 to 65535.');
}

function parseIp(value: string): string {
  if (isIPv4(value)) return value;
  throw new InvalidArgumentError(`"${value}" is no address of IPv4.`);
}

function parseNodes(value: string): Pick<UpOptions, 'realNodes' | 'simulatedNodes'> {
  const match = /^simulated:(\d{1,5})$/.exec(value);
  if (match) return { simulatedNodes: Number(match[1]) };
  if (/^[1-9]\d?$/.test(value)) return { realNodes: Number(value) };
  throw new InvalidArgumentError('write a number from 1 to 99, or simulated:N, with N from 0.');
}

function parseOnly(value: string): NonNullable<UpOptions['only']> {
  const names = value.split(',');
  const unknown = names.find((name) => !(componentNames as readonly string[]).includes(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is none of ${componentNames.join(', ')}.`);
  if (!names.includes('apiserver')) throw new InvalidArgumentError('the others need the apiserver among them.');
  return names as NonNullable<UpOptions['only']>;
}

function parseRanges(what: 'pods' | 'services'): (value: string) => string {
  return (value) => {
    const problem = rangeProblem(value, what);
    if (problem) throw new InvalidArgumentError(problem);
    return value;
  };
}
