// One real node of the cluster, as the server sees it: its network namespace where it has one, its containerd, its agent.
// containerd and agent are started again when they end; the containers go on meanwhile.
import { join } from 'node:path';
import { every } from '../../base/clock.ts';
import type { ContainerdHandle } from '../../kubelet/runtime/containerd-daemon.ts';
import { exitCodes, UserFailure } from '../failure.ts';
import type { Programs } from '../preflight.ts';
import type { Settings } from '../settings/settings.ts';
import { identify, isAlive } from '../settings/state.ts';
import type { StartContext } from '../start-context.ts';
import { startNodeChild } from './node-child.ts';
import type { NodePlan } from './node-plan.ts';
import type { NodeProcessOptions } from './node-process-options.ts';

/** What runs a node's containers: a containerd of its own, by its pid, or the machine's runtime. */
export type RuntimeHandle = Pick<ContainerdHandle, 'socketPath'> & Partial<ContainerdHandle>;

const containerdLookMs = 1_000;

export interface RealNode {
  readonly plan: NodePlan;
  /** Ends the agent; containerd and the pods go on. */
  stop(): Promise<void>;
}

export type NodeShared = Pick<StartContext, 'layout' | 'state' | 'clock' | 'log'>;

/** What the agent is told of the cluster. */
export type AgentSettings = Pick<
  NodeProcessOptions,
  | 'server'
  | 'serversFile'
  | 'podCidr'
  | 'serviceCidr'
  | 'clusterDomain'
  | 'sysctlRecord'
  | 'machine'
  | 'kubeletConfigFile'
  | 'endsPods'
  | 'providerId'
  | 'podNetworkEncryption'
>;

/**
 * Makes the node's network where it has one of its own, and starts containerd there, or finds it. A runtime of the machine's
 * is left as it is.
 *
 * @param settings of the cluster, for a node in a namespace
 * @throws UserFailure
 */
export async function prepareNode(
  { layout }: Pick<NodeShared, 'layout'>,
  plan: NodePlan,
  programs: Programs | undefined,
  settings: Settings | undefined,
): Promise<RuntimeHandle> {
  if (plan.machineRuntime) return { socketPath: plan.machineRuntime.socket };
  if (plan.namespace && settings) {
    const { ensureNodeNamespace } = await import('../../network/overlay/node-namespaces.ts');
    await ensureNodeNamespace({
      clusterName: layout.name,
      nodeName: plan.name,
      nodeCidr: settings.nodeCidr!,
      clusterPodCidr: settings.podCidr,
      address: plan.address,
      machineAddress: settings.address,
    });
  }
  refuseLongPath(plan.containerd);
  const [{ ensureContainerd }, { containerdOptions }] = await Promise.all([
    import('../../kubelet/runtime/containerd-daemon.ts'),
    import('./containerd.ts'),
  ]);
  try {
    return await ensureContainerd(containerdOptions(plan, programs!));
  } catch (error) {
    const remedy = `see its log: coracle logs ${plan.parts.containerd} --name ${layout.name}`;
    const message = error instanceof Error ? error.message : String(error);
    throw new UserFailure(exitCodes.runtime, 'E_CONTAINERD', message, remedy);
  }
}

/** Runs the agent of a node that is prepared and has its certificates, and keeps both it and containerd running. */
export function startRealNode(
  context: NodeShared,
  plan: NodePlan,
  programs: Programs | undefined,
  runtime: RuntimeHandle,
  settings: AgentSettings,
  podShutdownMs = 0,
): RealNode {
  const { layout, state, clock, log } = context;
  const { pid, socketPath } = runtime;
  if (pid) state.set(plan.parts.containerd, pid, socketPath);
  const supervision = pid ? superviseContainerd(context, plan, programs, pid) : undefined;
  const agent = startNodeChild(
    {
      name: layout.name,
      nodeName: plan.name,
      address: plan.address,
      agentPort: plan.agentPort,
      pki: plan.pki,
      folder: plan.folder,
      cgroup: plan.cgroup,
      containerdSocket: socketPath,
      ...(plan.machineRuntime ? { machineRuntime: plan.machineRuntime } : {}),
      ...settings,
    },
    {
      logFile: plan.logFile,
      networkNamespace: plan.namespace,
      extraGraceMs: podShutdownMs,
      clock,
      log: log.with({ component: 'node', node: plan.name }),
      onStart: (agentPid) => state.set(plan.parts.agent, agentPid, `https://${plan.address}:${plan.agentPort}`),
    },
  );
  return {
    plan,
    async stop() {
      await Promise.all([supervision?.[Symbol.asyncDispose](), agent.stop()]);
    },
  };
}

/** containerd has its sockets in its folder, and the kernel takes no more than 107 letters for one. */
function refuseLongPath(folder: string): void {
  const socket = join(folder, 'containerd.sock.ttrpc');
  if (Buffer.byteLength(socket) <= 107) return;
  const remedy = 'a shorter one, or a shorter name for the node: coracle up --data-dir FOLDER';
  throw new UserFailure(exitCodes.usage, 'E_DATA_DIR', `${socket} is too long for a socket`, remedy);
}

function superviseContainerd(
  context: NodeShared,
  plan: NodePlan,
  programs: Programs | undefined,
  firstPid: number,
): AsyncDisposable {
  const { state, clock } = context;
  const log = context.log.with({ component: 'containerd', node: plan.name });
  const stopping = new AbortController();
  let daemon = identify(firstPid);
  const running = (async () => {
    for await (const _ of every(clock, containerdLookMs, stopping.signal)) {
      if (isAlive(daemon)) continue;
      log.warn('containerd ended and is started again', { pid: daemon.pid });
      try {
        const { pid, socketPath } = await prepareNode(context, plan, programs, undefined);
        daemon = identify(pid!);
        state.set(plan.parts.containerd, pid!, socketPath);
      } catch (error) {
        log.error('containerd was not started again', error);
      }
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
}
