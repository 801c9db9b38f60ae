// The stage in which nodes come up: real ones on this machine, or simulated ones; done when all of them are Ready.
import { leaseKind, nodeKind } from '../../generated/kinds.ts';
import { isConditionTrue } from '../api/meta/conditions.ts';
import type { Client } from '../client/client.ts';
import type { ContainerdHandle } from '../kubelet/runtime/containerd-daemon.ts';
import { realNodes } from './node-plan.ts';
import type { Pki } from './pki.ts';
import type { Programs } from './preflight.ts';
import type { StartedApiServer } from './start-apiserver.ts';
import type { StartContext } from './start-context.ts';

const leasePollMs = 20;

/** Networks and containerds of all nodes, in the order of `realNodes`: what takes longest and needs no API server. */
export async function prepareRealNodes(context: StartContext, programs: Programs): Promise<ContainerdHandle[]> {
  const { layout, settings } = context;
  const { prepareNode } = await import('./real-node.ts');
  const plans = realNodes(layout, settings);
  if (settings.nodeCidr && plans.length > 1) {
    const { ensureNodeBridge } = await import('../network/overlay/node-namespaces.ts');
    const { nodeCidr, podCidr: clusterPodCidr } = settings;
    await ensureNodeBridge({ clusterName: layout.name, nodeCidr, clusterPodCidr });
  }
  return Promise.all(plans.map((plan) => prepareNode(context, plan, programs)));
}

/** This machine as a node, and the further ones on it. */
export async function startRealNodes(
  context: StartContext,
  pki: Pki,
  programs: Programs,
  daemons: readonly ContainerdHandle[],
): Promise<void> {
  const { layout, settings, cleanup, timed } = context;
  const plans = realNodes(layout, settings);
  timed('containerd', plans.length === 1 ? daemons[0]!.socketPath : `one for each of ${plans.length} nodes`);
  const { startRealNode } = await import('./real-node.ts');
  const nodes = await Promise.all(
    plans.map((plan, index) => startRealNode(context, pki, plan, programs, daemons[index]!)),
  );
  cleanup.defer(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  });
}

export async function startSimulated(context: StartContext, { api }: StartedApiServer, count: number): Promise<void> {
  const { settings, state, cleanup, writeLog, onFailure } = context;
  const { startSimulatedNodes } = await import('./simulated-nodes.ts');
  const { clusterDomain } = settings;
  const nodes = await startSimulatedNodes({ server: api, settings: { count, clusterDomain }, writeLog, onFailure });
  cleanup.defer(() => nodes.stop());
  state.set('node', process.pid, `${count} simulated`);
}

/**
 * Until the agents of this start have renewed their nodes' leases. An agent that was killed a moment ago leaves a node that
 * still says Ready; the lease tells by the microsecond, and by then the agent serves logs and exec.
 */
export async function untilAgentsSpeak(
  { layout, settings, clock }: StartContext,
  client: Client,
  sinceMs: number,
): Promise<void> {
  const untilOneSpeaks = async (name: string) => {
    for (;;) {
      const lease = await client.resource(leaseKind).find({ namespace: 'kube-node-lease', name });
      if (Date.parse(lease?.spec?.renewTime ?? '') >= sinceMs) return;
      await clock.sleep(leasePollMs);
    }
  };
  await Promise.all(realNodes(layout, settings).map(({ name }) => untilOneSpeaks(name)));
}

/**
 * Follows the nodes until so many say they are ready. A node of an earlier run says so until it is found to be silent, so
 * only heartbeats since `sinceMs` count.
 */
export async function untilNodesReady(client: Client, count: number, sinceMs: number): Promise<void> {
  const nodes = client.resource(nodeKind);
  const ready = new Set<string>();
  const stop = new AbortController();
  const { items, metadata } = await nodes.list();
  const look = (node: (typeof items)[number]) => {
    const heartbeat = node.status?.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime;
    const isFresh = heartbeat !== undefined && Date.parse(heartbeat) >= sinceMs - 1000; // times have whole seconds
    if (isFresh && isConditionTrue(node.status?.conditions, 'Ready')) ready.add(node.metadata.name);
    return ready.size >= count;
  };
  if (items.map(look).includes(true)) return;
  try {
    const resourceVersion = metadata.resourceVersion ?? '';
    for await (const event of nodes.watch({ resourceVersion, signal: stop.signal })) {
      if (event.type !== 'BOOKMARK' && event.type !== 'DELETED' && look(event.object)) return;
    }
  } finally {
    stop.abort();
  }
}
