// A container runtime that is the machine's own, found by its CRI socket: the node uses it, and never starts, stops or configures it.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { silentLogger } from '../../base/log.ts';
import { conflistName } from '../../network/cni/host-network.ts';
import { exitCodes, UserFailure } from '../failure.ts';
import { checkNodeBasics, checkRealNode, type Programs } from '../preflight.ts';
import type { Choices } from '../settings/choices.ts';
import { type MachineRuntime, type RuntimeFlags, socketOf } from '../settings/runtime-endpoint.ts';
import { checkKubeletConfiguration } from './kubelet-configuration.ts';

/**
 * The runtime that is meant: by flags, else by the KubeletConfiguration. Absent: a containerd of our own.
 *
 * @throws UserFailure
 */
export async function runtimeChoice(
  { containerRuntimeEndpoint, imageServiceEndpoint, cniConfDir }: RuntimeFlags,
  kubeletConfigFile: string | undefined,
): Promise<Pick<Choices, 'machineRuntime'>> {
  const config = await checkKubeletConfiguration(kubeletConfigFile);
  const endpoint = containerRuntimeEndpoint ?? config?.containerRuntimeEndpoint;
  if (!endpoint) {
    if (!cniConfDir) return {};
    throw refusal(
      '--cni-conf-dir is for a runtime that is not ours',
      'name it: --container-runtime-endpoint unix:///…',
    );
  }
  const images = imageServiceEndpoint ?? config?.imageServiceEndpoint;
  try {
    const socket = socketOf(endpoint);
    const imageSocket = images ? socketOf(images) : socket;
    return {
      machineRuntime: {
        socket,
        ...(imageSocket === socket ? {} : { imageSocket }),
        ...(cniConfDir ? { cniConfDir } : {}),
      },
    };
  } catch (error) {
    throw refusal(`container runtime endpoint: ${(error as Error).message}`, 'see docs/container-runtimes.md');
  }
}

/** As `up` was asked, or as the cluster was. Nodes that run no containers have none. @throws UserFailure */
export async function runtimeOfMachine(
  asked: RuntimeFlags & Pick<Choices, 'kubeletConfigFile'>,
  isReal: boolean,
  known: Choices | undefined,
): Promise<MachineRuntime | undefined> {
  if (!isReal) {
    if (!asked.containerRuntimeEndpoint) return undefined;
    throw refusal('simulated nodes have no container runtime', 'leave away --container-runtime-endpoint, or --nodes');
  }
  const before = known?.machineRuntime;
  const flags = asked.cniConfDir && before ? { containerRuntimeEndpoint: before.socket, ...asked } : asked;
  const { machineRuntime: said } = await runtimeChoice(flags, asked.kubeletConfigFile);
  return said && before?.socket === said.socket ? { ...before, ...said } : (said ?? before);
}

/** Only this machine itself can be a node of its runtime. @throws UserFailure */
export function refuseFurtherNodes(runtime: MachineRuntime | undefined, nodes: number): void {
  if (!runtime || nodes === 1) return;
  throw refusal(
    `the runtime at ${runtime.socket} serves one node, this machine`,
    'leave away --nodes; or --container-runtime-endpoint: each node then has a containerd of its own',
  );
}

function refusal(message: string, remedy: string): UserFailure {
  return new UserFailure(exitCodes.usage, 'E_CONTAINER_RUNTIME', message, remedy);
}

/** By this its pods are known among those of others that use the runtime; the same for each start of the node. */
export const ownerOf = ({ folder }: { readonly folder: string }): string =>
  createHash('sha256').update(folder).digest('hex').slice(0, 16);

/** Asks whether the runtime can serve a node. @returns its name and version, `cri-o 1.34.0` @throws UserFailure */
async function checkMachineRuntime(runtime: MachineRuntime, clusterName: string): Promise<string> {
  const { socket, cniConfDir } = runtime;
  await using cri = await openMachineRuntime(runtime);
  const { name, version } = cri.known;
  if (cniConfDir) refuseOthersNetwork(cniConfDir, clusterName);
  else await refuseNoNetwork(cri.runtime, socket);
  return `${name} ${version}`;
}

/** @throws UserFailure when it does not answer */
export async function askVersion(runtime: MachineRuntime): Promise<{ name: string; version: string }> {
  await using cri = await openMachineRuntime(runtime);
  return cri.known;
}

async function openMachineRuntime(machineRuntime: MachineRuntime) {
  const { createCriRuntime } = await import('../../kubelet/runtime/cri/cri-runtime.ts');
  const runtime = createCriRuntime({ ...socketsOf(machineRuntime), log: silentLogger });
  const close = async () => runtime.close();
  try {
    return { runtime, known: await runtime.version(), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    const { socket } = machineRuntime;
    const why = existsSync(socket) ? (error as Error).message : 'there is no such socket';
    const message = `the container runtime at ${socket} does not answer: ${why}`;
    const remedy = 'start it (systemctl start crio, or containerd), or name its socket: --container-runtime-endpoint';
    throw new UserFailure(exitCodes.runtime, 'E_CONTAINER_RUNTIME', message, remedy);
  }
}

/** What is found of what a node needs. */
export interface NodeNeeds {
  /** Absent with the machine's runtime. */
  readonly programs?: Programs;
  /** For the line that `up` prints. */
  readonly found: string;
}

/** Looks before anything starts, or is made. @throws UserFailure */
export async function checkNode(runtime: MachineRuntime | undefined, clusterName: string): Promise<NodeNeeds> {
  if (!runtime) return { programs: checkRealNode(), found: 'root, containerd, runc, CNI plugins and nft are here' };
  checkNodeBasics();
  return { found: `root, nft and ${await checkMachineRuntime(runtime, clusterName)} are here` };
}

export const socketsOf = ({ socket, imageSocket }: MachineRuntime) => ({
  socketPath: socket,
  ...(imageSocket ? { imageSocketPath: imageSocket } : {}),
});

interface Asked {
  conditions(): Promise<readonly { readonly type: string; readonly status: boolean; readonly message: string }[]>;
  facts(): Promise<{ readonly cniConfDir?: string | undefined }>;
}

async function refuseNoNetwork(cri: Asked, socket: string): Promise<void> {
  const network = (await cri.conditions()).find(({ type }) => type === 'NetworkReady');
  if (!network || network.status) return;
  const { cniConfDir = '/etc/cni/net.d' } = await cri.facts();
  throw new UserFailure(
    exitCodes.runtime,
    'E_RUNTIME_NETWORK',
    `the container runtime at ${socket} has no network for pods: ${network.message}`,
    `let this cluster give it one, in the folder that it reads: --cni-conf-dir ${cniConfDir}`,
  );
}

/** A runtime takes one network for all: ours beside somebody's would change what their pods get, or never be used. */
function refuseOthersNetwork(folder: string, clusterName: string): void {
  const others = filesIn(folder).filter(
    (name) => /\.(conf|conflist|json)$/.test(name) && name !== conflistName(clusterName),
  );
  if (others.length === 0) return;
  throw new UserFailure(
    exitCodes.conflict,
    'E_CNI_TAKEN',
    `${folder} has a network already, and the runtime uses one: ${others.join(', ')}`,
    'leave --cni-conf-dir away: pods then get that network; or move that file elsewhere',
  );
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it is made when it is needed
  }
}
