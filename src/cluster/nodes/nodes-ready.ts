// When nodes are up: their agents speak, and they say that they are Ready.
import { leaseKind, nodeKind } from '../../../generated/kinds.ts';
import { isConditionTrue } from '../../api/meta/conditions.ts';
import type { Client } from '../../client/client.ts';
import type { StartContext } from '../start-context.ts';
import { realNodes } from './node-plan.ts';

const leasePollMs = 20;

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
 * Follows the nodes until these say they are ready. A node of an earlier run says so until it is found to be silent, so
 * only heartbeats since `sinceMs` count.
 */
export async function untilNodesReady(
  client: Client,
  wanted: number | readonly string[],
  sinceMs: number,
): Promise<void> {
  const nodes = client.resource(nodeKind);
  const ready = new Set<string>();
  const stop = new AbortController();
  const { items, metadata } = await nodes.list();
  const isDone = () => (typeof wanted === 'number' ? ready.size >= wanted : wanted.every((name) => ready.has(name)));
  const look = (node: (typeof items)[number]) => {
    const heartbeat = node.status?.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime;
    const isFresh = heartbeat !== undefined && Date.parse(heartbeat) >= sinceMs - 1000; // times have whole seconds
    if (isFresh && isConditionTrue(node.status?.conditions, 'Ready')) ready.add(node.metadata.name);
    return isDone();
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
