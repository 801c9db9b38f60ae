// The stage in which nodes come up: real ones on this machine, or simulated ones; done when all of them are Ready.
import type { Client } from '../../client/client.ts';
import type { Pki } from '../pki.ts';
import type { Programs } from '../preflight.ts';
import type { ControlActions } from '../socket/control-socket.ts';
import type { StartedApiServer } from '../start-apiserver.ts';
import type { StartContext } from '../start-context.ts';
import { realNodes } from './node-plan.ts';
import type { RuntimeHandle } from './real-node.ts';

/** Networks and containerds of all nodes, in the order of `realNodes`: what takes longest and needs no API server. */
export async function prepareRealNodes(
  context: StartContext,
  programs: Programs | undefined,
): Promise<RuntimeHandle[]> {
  const { layout, settings } = context;
  const { prepareNode } = await import('./real-node.ts');
  const plans = realNodes(layout, settings);
  if (settings.nodeCidr && plans.length > 1) {
    const { ensureNodeBridge } = await import('../../network/overlay/node-namespaces.ts');
    const { nodeCidr, podCidr: clusterPodCidr } = settings;
    await ensureNodeBridge({ clusterName: layout.name, nodeCidr, clusterPodCidr });
  }
  return Promise.all(plans.map((plan) => prepareNode(context, plan, programs, settings)));
}

/** This machine as a node, and the further ones on it; gives what commands may ask of them. */
export async function startRealNodes(
  context: StartContext,
  pki: Pki,
  programs: Programs | undefined,
  daemons: readonly RuntimeHandle[],
  admin: Client,
): Promise<ControlActions> {
  const { cleanup, timed } = context;
  const [plan] = realNodes(context.layout, context.settings);
  const name = plan?.machineRuntime ? 'runtime' : 'containerd';
  timed(name, daemons.length === 1 ? daemons[0]!.socketPath : `one for each of ${daemons.length} nodes`);
  const { RealNodeSet } = await import('./real-node-set.ts');
  const nodes = new RealNodeSet(context, pki, programs, admin);
  cleanup.defer(() => nodes.stop());
  await nodes.start(daemons);
  return nodes.actions();
}

export async function startSimulated(
  context: StartContext,
  { api, admin }: StartedApiServer,
  count: number,
): Promise<void> {
  const { options, settings, state, cleanup, writeLog, onFailure } = context;
  const { startSimulatedNodes } = await import('./simulated/simulated-nodes.ts');
  if (options.simulationFile)
    await (await import('./simulated/simulation-file.ts')).applySimulation(admin, options.simulationFile);
  const { clusterDomain } = settings;
  const nodes = await startSimulatedNodes({ server: api, settings: { count, clusterDomain }, writeLog, onFailure });
  cleanup.defer(() => nodes.stop());
  state.set('node', process.pid, `${count} simulated`);
}
