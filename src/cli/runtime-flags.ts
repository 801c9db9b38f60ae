// Flags of a container runtime that is the machine's own.
import { type Command, InvalidArgumentError } from 'commander';
import { type RuntimeFlags, socketOf } from '../cluster/settings/runtime-endpoint.ts';

export function addRuntimeFlags(command: Command): Command {
  return command
    .option(
      // The kubelet's word; kubeadm's is the other.
      '--cri-socket, --container-runtime-endpoint <endpoint>',
      'use the runtime of this machine: unix:///run/crio/crio.sock (default: a containerd of our own)',
      parseEndpoint,
    )
    .option('--image-service-endpoint <endpoint>', 'where that runtime serves images, if elsewhere', parseEndpoint)
    .option(
      '--cni-conf-dir <folder>',
      'give that runtime the pod network, in its folder (default: it has one)',
      parseFolder,
    );
}

export function runtimeFlags({
  containerRuntimeEndpoint,
  imageServiceEndpoint,
  cniConfDir,
}: RuntimeFlags): RuntimeFlags {
  return {
    ...(containerRuntimeEndpoint ? { containerRuntimeEndpoint } : {}),
    ...(imageServiceEndpoint ? { imageServiceEndpoint } : {}),
    ...(cniConfDir ? { cniConfDir } : {}),
  };
}

function parseEndpoint(value: string): string {
  try {
    return `unix://${socketOf(value)}`;
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
}

function parseFolder(value: string): string {
  if (value.startsWith('/')) return value;
  throw new InvalidArgumentError('write the whole path, like /etc/cni/net.d.');
}
