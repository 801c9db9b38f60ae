// What simulated nodes say of themselves: once when they come, and again every five minutes.
import { isDeepStrictEqual } from 'node:util';
import type { Node } from '../../../generated/core-v1.ts';
import { nodeKind } from '../../../generated/kinds.ts';
import { localVolumesFolder } from '../../api/core/local-volumes.ts';
import { isAlreadyExists } from '../../api/meta/status-error.ts';
import { every } from '../../base/clock.ts';
import { architecture, kubernetesVersion, type Machine } from '../node/node-facts.ts';
import { nodeResources, nodeStatus, saidOf } from '../node/node-status.ts';
import { type Fleet, fakeNodeAnnotation, type NodeFace } from './fleet.ts';
import type { SimulatedNodesOptions } from './options.ts';

export const defaultMaxPods = 110;
const statusMs = 300_000;
const lookMs = 10_000;
const parallel = 16;

export function simulatedMachine({ cpuCount = 32, memoryBytes = 256 * 2 ** 30 }: SimulatedNodesOptions): Machine {
  return {
    cpuCount,
    memoryBytes,
    diskBytes: 2 ** 40,
    systemInfo: {
      machineID: '',
      systemUUID: '',
      bootID: '',
      kernelVersion: 'simulated',
      osImage: 'Simulated',
      kubeletVersion: kubernetesVersion,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture,
    },
  };
}

function statusOf(
  { address, name, machine, maxPods }: NodeFace,
  options: SimulatedNodesOptions,
  before: Node['status'] & {},
): Node['status'] & {} {
  return nodeStatus({
    machine,
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: name },
    ],
    port: 10250,
    resources: nodeResources(machine, maxPods),
    runtimeVersion: 'simulated://1.0.0',
    problems: [],
    pressure: { memory: false, disk: false, pids: false },
    images: [],
    before,
    nowMs: options.clock.now(),
  });
}

/** Makes the nodes that are not there yet, and tries until it is done. */
export async function registerAll(options: SimulatedNodesOptions, fleet: Fleet, signal: AbortSignal): Promise<void> {
  await inParallel(fleet.faces, (face) => register(options, fleet, face, registerOne, signal));
}

/** Brings a node to life that somebody else has made. */
export async function registerJoined(
  options: SimulatedNodesOptions,
  fleet: Fleet,
  face: NodeFace,
  signal: AbortSignal,
): Promise<void> {
  await register(options, fleet, face, adopt, signal);
}

async function register(
  options: SimulatedNodesOptions,
  fleet: Fleet,
  face: NodeFace,
  once: (options: SimulatedNodesOptions, face: NodeFace) => Promise<Node | undefined>,
  signal: AbortSignal,
): Promise<void> {
  for (let waitMs = 100; !signal.aborted; waitMs = Math.min(5_000, waitMs * 2)) {
    try {
      const node = await once(options, face);
      if (node) fleet.registered(node);
      return;
    } catch (error) {
      options.log.warn('simulated node is not registered yet', { node: face.name, error: String(error) });
      await options.clock.sleep(waitMs, signal);
    }
  }
}

/** Undefined when the node has gone meanwhile. */
async function adopt(options: SimulatedNodesOptions, face: NodeFace): Promise<Node | undefined> {
  const nodes = options.client.resource(nodeKind);
  const key = { namespace: '', name: face.name };
  const node = await nodes.find(key);
  if (!node) return undefined;
  const usual = usualLabels(face);
  const missing = Object.fromEntries(Object.entries(usual).filter(([name]) => !node.metadata.labels?.[name]));
  if (Object.keys(missing).length > 0) await nodes.patch(key, { metadata: { labels: missing } }, { type: 'merge' });
  const patch = { status: statusOf(face, options, node.status ?? {}) };
  return nodes.patch(key, patch, { type: 'strategic', subresource: 'status' });
}

const usualLabels = ({ name, labels }: NodeFace): Record<string, string> => ({
  'kubernetes.io/arch': architecture,
  'kubernetes.io/hostname': name,
  'kubernetes.io/os': 'linux',
  type: 'simulated',
  ...labels,
});

async function registerOne(options: SimulatedNodesOptions, face: NodeFace): Promise<Node> {
  const nodes = options.client.resource(nodeKind);
  const key = { namespace: '', name: face.name };
  const labels = { ...usualLabels(face), ...options.labels };
  const made = await nodes
    .create({
      metadata: {
        name: face.name,
        labels,
        annotations: { [fakeNodeAnnotation]: 'fake', [localVolumesFolder]: '/simulated' },
      },
      spec: {},
      status: {},
    })
    .catch((error) => {
      if (isAlreadyExists(error)) return nodes.get(key);
      throw error;
    });
  return nodes.patch(
    key,
    { status: statusOf(face, options, made.status ?? {}) },
    { type: 'strategic', subresource: 'status' },
  );
}

/** Every five minutes, as a real node without news; within ten seconds where somebody has said something else of it. */
export async function report(options: SimulatedNodesOptions, fleet: Fleet, signal: AbortSignal): Promise<void> {
  const nodes = options.client.resource(nodeKind);
  let lastMs = options.clock.monotonicMs();
  for await (const _ of every(options.clock, lookMs, signal)) {
    const touched = fleet.takeTouched();
    const isDue = options.clock.monotonicMs() - lastMs >= statusMs;
    if (isDue) lastMs = options.clock.monotonicMs();
    await inParallel(isDue ? fleet.faces : touched, async (face) => {
      if (signal.aborted) return;
      const key = { namespace: '', name: face.name };
      const node = await nodes.find(key).catch(() => undefined);
      if (!node) return;
      await relabel(options, face, node);
      const status = statusOf(face, options, node.status ?? {});
      if (!isDue && saysTheSame(node.status ?? {}, status)) return;
      const patched = await nodes
        .patch(key, { status }, { type: 'strategic', subresource: 'status' })
        .catch(() => undefined);
      if (patched) fleet.written(patched);
    });
  }
}

/** Labels of rules that have changed; what others have put there stays. */
async function relabel({ client }: SimulatedNodesOptions, face: NodeFace, node: Node): Promise<void> {
  const labels = Object.entries(face.labels).filter(([name, value]) => node.metadata.labels?.[name] !== value);
  if (labels.length === 0) return;
  const key = { namespace: '', name: face.name };
  const patch = { metadata: { labels: Object.fromEntries(labels) } };
  await client
    .resource(nodeKind)
    .patch(key, patch, { type: 'merge' })
    .catch(() => undefined); // the next look tries again
}

/** But for the times of heartbeats. */
function saysTheSame(before: Node['status'] & {}, now: Node['status'] & {}): boolean {
  const said = ({ conditions = [], capacity, allocatable }: Node['status'] & {}) => ({
    conditions: Object.fromEntries(conditions.map(({ type, status }) => [type, status])),
    capacity: saidOf(capacity, now.capacity),
    allocatable: saidOf(allocatable, now.allocatable),
  });
  return isDeepStrictEqual(said(before), said(now));
}

async function inParallel<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await action(item);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}
