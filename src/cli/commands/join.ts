import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { parseBootstrapToken } from '../../api/core/bootstrap-token.ts';
import { userKubeconfigPath } from '../../cluster/kubeconfig.ts';
import type { RuntimeFlags } from '../../cluster/settings/runtime-endpoint.ts';
import { type ClusterOptions, clusterCommand, layoutFrom } from '../cluster-options.ts';
import { printSteps } from '../print-steps.ts';
import { addRuntimeFlags, runtimeFlags } from '../runtime-flags.ts';

interface Flags extends ClusterOptions, RuntimeFlags {
  token: string;
  discoveryTokenCaCertHash: string[];
  discoveryTokenUnsafeSkipCaVerification?: boolean;
  nodeName?: string;
  nodeIp?: string;
  kubeletConfig?: string;
  detach?: boolean;
}

export const joinCommand = addRuntimeFlags(clusterCommand('join'))
  .description('make this machine a node of a cluster on another; `coracle token create --print-join-command` says how')
  .argument('<servers...>', 'the cluster’s API servers, like 192.0.2.2:6443; one is enough', parseServer)
  .requiredOption('--token <token>', 'a bootstrap token', parseToken, process.env['CORACLE_TOKEN'])
  .option('--discovery-token-ca-cert-hash <hash>', 'the authority must be this one; may be repeated', parsePin, [])
  .option('--discovery-token-unsafe-skip-ca-verification', 'believe any authority that the token vouches for')
  .option('--node-name <name>', 'the node’s name (default: the machine’s)', parseNodeName)
  .option('--node-ip <address>', 'the node’s address (default: the one the server is reached from)')
  .option('--kubelet-config <file>', 'KubeletConfiguration: eviction, reserved resources, static pods, logs')
  .option('--detach', 'return when the node is Ready and leave it running')
  .action(async (servers: string[], flags: Flags) => {
    const pins = flags.discoveryTokenCaCertHash;
    if (pins.length === 0 && !flags.discoveryTokenUnsafeSkipCaVerification) {
      const { exitCodes, UserFailure } = await import('../../cluster/failure.ts');
      const remedy = 'the whole command: coracle token create --print-join-command, on the cluster';
      throw new UserFailure(exitCodes.usage, 'E_CA_PIN', 'name the authority: --discovery-token-ca-cert-hash', remedy);
    }
    const { joinCluster } = await import('../../cluster/join/join-cluster.ts');
    const layout = layoutFrom(flags);
    const report = printSteps();
    const asked = { layout, servers, token: flags.token, pins };
    await joinCluster(
      {
        ...asked,
        ...runtimeFlags(flags),
        ...(flags.nodeName ? { nodeName: flags.nodeName } : {}),
        ...(flags.nodeIp ? { address: flags.nodeIp } : {}),
        ...(flags.kubeletConfig ? { kubeletConfigFile: resolve(flags.kubeletConfig) } : {}),
      },
      report,
    );
    const { upDetached, upForeground } = await import('../../cluster/up.ts');
    const options = { layout, kubeconfigFile: userKubeconfigPath() };
    await (flags.detach ? upDetached(options, report) : upForeground(options, report));
  });

function parseServer(value: string, before: string[] = []): string[] {
  const address = value.replace(/^https:\/\//, '').replace(/\/$/, '');
  if (/^[A-Za-z0-9.-]+:\d{1,5}$/.test(address)) return [...before, address];
  throw new InvalidArgumentError('write ADDRESS:PORT.');
}

function parseToken(value: string): string {
  if (parseBootstrapToken(value)) return value;
  throw new InvalidArgumentError('tokens look like this: abcdef.0123456789abcdef');
}

function parsePin(value: string, before: string[]): string[] {
  if (/^sha256:[0-9a-f]{64}$/i.test(value)) return [...before, value.toLowerCase()];
  throw new InvalidArgumentError('write sha256: and 64 hexadecimal digits.');
}

function parseNodeName(value: string): string {
  if (/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(value)) return value;
  throw new InvalidArgumentError('use lower-case letters, digits, dashes and dots, at most 63.');
}
