// Takes a node out: no new pods, then its pods go one by one with their grace and within their budgets, then the node.
import type { Node, Pod, Taint } from '../../../generated/core-v1.ts';
import { nodeKind, podKind } from '../../../generated/kinds.ts';
import { keyOf, splitKey } from '../../api/meta/object.ts';
import { isConflict, isNotFound } from '../../api/meta/status-error.ts';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import { about } from '../../reconcile/about.ts';
import type { EventRecorder } from '../../reconcile/controller.ts';
import { toBeDeletedTaint } from './pods.ts';
import type { NodeGroup } from './provider.ts';

export interface DrainOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  /** Pods still on the node, by key; undefined for one that has gone. */
  readonly find: (key: string) => Pod | undefined;
}

const retryMs = 10_000;
const patienceMs = 120_000;
const headroomMs = 30_000;
const pollMs = 1_000;
const mostGraceSeconds = 600;
const writeTries = 5;

/** Gives whether the node is gone; when it is not, it takes pods again. */
export async function removeNode(
  options: DrainOptions,
  group: NodeGroup,
  node: Node,
  pods: readonly Pod[],
  signal: AbortSignal,
): Promise<boolean> {
  const { recorder, clock } = options;
  const subject = about(nodeKind, node);
  const fail = async (message: string) => {
    recorder.event(subject, 'Warning', 'ScaleDownFailed', message);
    await setTaint(options, node.metadata.name, toBeDeletedTaint, undefined).catch(() => undefined);
    return false;
  };
  try {
    const seconds = String(Math.floor(clock.now() / 1000));
    await setTaint(options, node.metadata.name, toBeDeletedTaint, { value: seconds, effect: 'NoSchedule' });
  } catch (error) {
    return fail(`failed to mark the node as toBeDeleted/unschedulable: ${messageOf(error)}`);
  }
  recorder.event(subject, 'Normal', 'ScaleDown', 'marked the node as toBeDeleted/unschedulable');
  const evicted = await Promise.all(pods.map((pod) => evict(options, pod, signal)));
  const isEmpty = evicted.every(Boolean) && (await untilGone(options, pods, signal));
  if (!isEmpty) return fail('failed to drain the node, aborting ScaleDown');
  try {
    await group.deleteNodes([node], signal);
  } catch (error) {
    return fail(`failed to delete the node: ${messageOf(error)}`);
  }
  recorder.event(subject, 'Normal', 'ScaleDown', 'node removed by cluster autoscaler');
  return true;
}

/** Writes or removes one taint, whoever else writes the node meanwhile. */
export async function setTaint(
  { client }: Pick<DrainOptions, 'client'>,
  nodeName: string,
  key: string,
  taint: Omit<Taint, 'key'> | undefined,
): Promise<void> {
  const nodes = client.resource(nodeKind);
  for (let tries = 1; ; tries++) {
    const node = await nodes.find({ namespace: '', name: nodeName });
    if (!node) return;
    const others = (node.spec.taints ?? []).filter((each) => each.key !== key);
    const taints = taint ? [...others, { key, ...taint }] : others;
    if (!taint && others.length === (node.spec.taints ?? []).length) return;
    try {
      await nodes.update({ ...node, spec: { ...node.spec, taints } });
      return;
    } catch (error) {
      if (!isConflict(error) || tries === writeTries) throw error;
    }
  }
}

async function evict({ client, clock, recorder }: DrainOptions, pod: Pod, signal: AbortSignal): Promise<boolean> {
  const { namespace, name } = pod.metadata;
  recorder.event(about(podKind, pod), 'Normal', 'ScaleDown', 'deleting pod for node scale down');
  const gracePeriodSeconds = Math.min(pod.spec.terminationGracePeriodSeconds ?? 30, mostGraceSeconds);
  const eviction = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { namespace, name },
    deleteOptions: { gracePeriodSeconds },
  };
  for (const endMs = clock.monotonicMs() + patienceMs; !signal.aborted; ) {
    try {
      await client.resource(podKind).post(splitKey(keyOf(pod)), 'eviction', eviction, { signal });
      return true;
    } catch (error) {
      if (isNotFound(error)) return true;
    }
    if (clock.monotonicMs() + retryMs > endMs) break;
    await clock.sleep(retryMs, signal);
  }
  recorder.event(about(podKind, pod), 'Warning', 'ScaleDownFailed', 'failed to delete pod for ScaleDown');
  return false;
}

async function untilGone({ clock, find }: DrainOptions, pods: readonly Pod[], signal: AbortSignal): Promise<boolean> {
  const graceMs = Math.max(0, ...pods.map(({ spec }) => (spec.terminationGracePeriodSeconds ?? 30) * 1000));
  const endMs = clock.monotonicMs() + Math.min(graceMs, mostGraceSeconds * 1000) + headroomMs;
  const isThere = (pod: Pod) => find(keyOf(pod))?.metadata.uid === pod.metadata.uid;
  while (pods.some(isThere)) {
    if (signal.aborted || clock.monotonicMs() > endMs) return false;
    await clock.sleep(pollMs, signal);
  }
  return true;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
