// The stage in which nodes come up: this machine as a node, or simulated ones; done when all of them are Ready.
import { join } from 'node:path';
import { leaseKind, nodeKind } from '../../generated/kinds.ts';
import { isConditionTrue } from '../api/meta/conditions.ts';
import { every } from '../base/clock.ts';
import type { Client } from '../client/client.ts';
import type { ContainerdHandle } from '../kubelet/runtime/containerd-daemon.ts';
import { exitCodes, UserFailure } from './failure.ts';
import type { Pki } from './pki.ts';
import type { Programs } from './preflight.ts';
import type { StartedApiServer } from './start-apiserver.ts';
import type { StartContext } from './start-context.ts';
import { identify, isAlive } from './state.ts';

const containerdLookMs = 1_000;

const leasePollMs = 20;

/** Starts containerd, or finds the one that runs. @throws UserFailure */
export async function startContainerd({ layout }: StartContext, programs: Programs): Promise<ContainerdHandle> {
  const [{ ensureContainerd }, { containerdOptions }] = await Promise.all([
    import('../kubelet/runtime/containerd-daemon.ts'),
    import('./containerd.ts'),
  ]);
  try {
    return await ensureContainerd(containerdOptions(layout, programs));
  } catch (error) {
    const remedy = `see its log: coracle logs containerd --name ${layout.name}`;
    throw new UserFailure(
      exitCodes.runtime,
      'E_CONTAINERD',
      error instanceof Error ? error.message : String(error),
      remedy,
    );
  }
}

/** Starts containerd again when it ends; the containers go on under their shims meanwhile. */
function superviseContainerd(context: StartContext, programs: Programs, first: ContainerdHandle): void {
  const { state, cleanup, clock } = context;
  const log = context.log.with({ component: 'containerd' });
  const stopping = new AbortController();
  let daemon = identify(first.pid);
  const running = (async () => {
    for await (const _ of every(clock, containerdLookMs, stopping.signal)) {
      if (isAlive(daemon)) continue;
      log.warn('containerd ended and is started again', { pid: daemon.pid });
      try {
        const { pid, socketPath } = await startContainerd(context, programs);
        daemon = identify(pid);
        state.set('containerd', pid, socketPath);
      } catch (error) {
        log.error('containerd was not started again', error);
      }
    }
  })();
  cleanup.defer(() => {
    stopping.abort();
    return running;
  });
}

/** This machine as the cluster's node. */
export async function startRealNode(
  context: StartContext,
  pki: Pki,
  containerd: ContainerdHandle,
  programs: Programs,
): Promise<void> {
  const { layout, settings, state, cleanup, clock, log, timed } = context;
  const { pid, socketPath } = containerd;
  state.set('containerd', pid, socketPath);
  timed('containerd', socketPath);
  superviseContainerd(context, programs, containerd);
  const [{ startNodeChild }, { issueNodeIdentities }] = await Promise.all([
    import('./node-child.ts'),
    import('./node-identities.ts'),
  ]);
  await issueNodeIdentities(pki, settings);
  const node = startNodeChild(
    { layout, settings, containerdSocket: socketPath },
    {
      logFile: join(layout.logs, 'node.log'),
      clock,
      log: log.with({ component: 'node' }),
      onStart: (child) => state.set('node', child, `https://${settings.address}:${settings.agentPort}`),
    },
  );
  cleanup.defer(() => node.stop());
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
 * Until the agent of this start has renewed the node's lease. An agent that was killed a moment ago leaves a node that
 * still says Ready; the lease tells by the microsecond, and by then the agent serves logs and exec.
 */
export async function untilAgentSpeaks(
  { settings, clock }: StartContext,
  client: Client,
  sinceMs: number,
): Promise<void> {
  const key = { namespace: 'kube-node-lease', name: settings.nodeName };
  for (;;) {
    const lease = await client.resource(leaseKind).find(key);
    if (Date.parse(lease?.spec?.renewTime ?? '') >= sinceMs) return;
    await clock.sleep(leasePollMs);
  }
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
