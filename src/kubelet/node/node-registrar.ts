// The node's object: made when it is missing, its status kept up to date, its lease renewed.

import type { Lease } from '../../../generated/coordination-v1.ts';
import type { Node, NodeAddress, NodeStatus, Taint } from '../../../generated/core-v1.ts';
import { nodeKind } from '../../../generated/kinds.ts';
import { isNotFound } from '../../api/meta/status-error.ts';
import { type Clock, every } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { KubeletConfiguration } from '../config/types.ts';
import type { NodeEvents } from '../events.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import type { ContainerRuntime } from '../runtime/runtime.ts';
import { renewLease } from './lease.ts';
import { architecture, type Machine } from './node-facts.ts';
import type { NodeResources } from './node-resources.ts';
import {
  type DeviceCounts,
  hasNews,
  type NodeFinding,
  nodeStatus,
  type Pressure,
  runtimeProblems,
} from './node-status.ts';

export interface NodeRegistrarOptions {
  readonly nodeName: string;
  readonly client: Client;
  readonly runtime: ContainerRuntime;
  readonly events: NodeEvents;
  readonly clock: Clock;
  readonly log: Logger;
  readonly machine: Machine;
  readonly addresses: readonly NodeAddress[];
  readonly port: number;
  readonly resources: () => NodeResources;
  readonly pressure: () => Pressure;
  /** What else keeps the node from being ready. */
  readonly problems?: () => readonly string[];
  /** Conditions beside those every node has. */
  readonly findings?: () => readonly NodeFinding[];
  readonly taints?: readonly Taint[];
  readonly labels: Readonly<Record<string, string>>;
  /** Those without a value are taken away. */
  readonly annotations?: Readonly<Record<string, string | undefined>>;
  readonly podCidr?: string;
  readonly providerId?: string | undefined;
  /** What device plugins announce now. */
  readonly devices?: () => DeviceCounts;
  /** Volumes that must not be detached; undefined while that is not known. */
  readonly volumesInUse?: () => Promise<readonly string[] | undefined>;
  /** The node is not ready before this is done; tried again while it fails. */
  readonly beforeReady?: () => Promise<void>;
  readonly timing: NodeTiming;
}

export type NodeTiming = Pick<
  KubeletConfiguration,
  'registerNode' | 'nodeStatusUpdateMs' | 'nodeStatusReportMs' | 'nodeLeaseSeconds' | 'nodeStatusMaxImages'
>;

export class NodeRegistrar {
  readonly #options: NodeRegistrarOptions;
  #node: Node | undefined;
  #lease: Lease | undefined;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #runtimeVersion = '';
  #updating: Promise<void> | undefined;
  #again = false;

  constructor(options: NodeRegistrarOptions) {
    this.#options = options;
  }

  get node(): Node | undefined {
    return this.#node;
  }

  /** Makes the node's object and writes its first status. Retries until it is done or the signal aborts. */
  async register(signal: AbortSignal): Promise<void> {
    for (let waitMs = 50; !signal.aborted; waitMs = Math.min(waitMs * 2, 5_000)) {
      try {
        this.#node ??= await this.#ensureNode();
        await this.#options.beforeReady?.();
        await Promise.all([this.#report(), this.#renew()]);
        this.#options.events.node(this.#node, 'Normal', 'Starting', 'Starting kubelet.');
        return;
      } catch (error) {
        this.#options.log.warn('node is not registered yet', { error: String(error) });
        await this.#options.clock.sleep(waitMs, signal);
      }
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#heartbeats(signal), this.#reports(signal)]);
  }

  /** Something that shows in the status may have changed. */
  async refresh(): Promise<void> {
    this.#again = true;
    this.#updating ??= (async () => {
      while (this.#again) {
        this.#again = false;
        await this.#report().catch((error) =>
          this.#options.log.warn('node status was not written', { error: String(error) }),
        );
      }
      this.#updating = undefined;
    })();
    await this.#updating;
  }

  async #heartbeats(signal: AbortSignal): Promise<void> {
    const { clock, log, timing } = this.#options;
    for await (const _ of every(clock, (timing.nodeLeaseSeconds * 1000) / 4, signal))
      await this.#renew().catch((error) => log.warn('lease was not renewed', { error: String(error) }));
  }

  async #reports(signal: AbortSignal): Promise<void> {
    const { clock, timing } = this.#options;
    while (!signal.aborted) {
      const isReady = this.#node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
      await clock.sleep(isReady ? timing.nodeStatusUpdateMs : 150, signal);
      if (!signal.aborted) await this.refresh();
    }
  }

  async #renew(): Promise<void> {
    const { client, clock, nodeName, timing } = this.#options;
    if (!this.#node) return;
    const holder = { nodeName, nodeUid: this.#node.metadata.uid!, seconds: timing.nodeLeaseSeconds };
    this.#lease = await renewLease(client, clock, holder, this.#lease);
  }

  async #ensureNode(): Promise<Node> {
    const { client, nodeName, labels, annotations, podCidr, providerId, taints = [] } = this.#options;
    const nodes = client.resource(nodeKind);
    const wanted = {
      'beta.kubernetes.io/arch': architecture,
      'beta.kubernetes.io/os': 'linux',
      'kubernetes.io/arch': architecture,
      'kubernetes.io/hostname': nodeName,
      'kubernetes.io/os': 'linux',
      ...labels,
    };
    const found = await nodes.find({ namespace: '', name: nodeName });
    if (!this.#options.timing.registerNode) {
      if (found) return found;
      throw new Error(`node "${nodeName}" is to be made by somebody else (registerNode: false)`);
    }
    if (found) {
      const missing = {
        labels: whatIsMissing(found.metadata.labels, wanted),
        annotations: whatIsMissing(found.metadata.annotations, annotations),
      };
      if (!missing.labels && !missing.annotations) return found;
      return nodes.patch({ namespace: '', name: nodeName }, { metadata: missing }, { type: 'merge' });
    }
    return nodes.create({
      metadata: {
        name: nodeName,
        labels: wanted,
        annotations: whatIsMissing({}, annotations) ?? {},
      },
      spec: {
        ...(providerId ? { providerID: providerId } : {}),
        ...(podCidr ? { podCIDR: podCidr, podCIDRs: [podCidr] } : {}),
        ...(taints.length > 0 ? { taints: [...taints] } : {}),
      },
      status: {},
    });
  }

  async #report(): Promise<void> {
    const { client, nodeName, clock, events, timing } = this.#options;
    if (!this.#node) return;
    const before = this.#node.status ?? {};
    const next = await this.#status(before);
    const isDue = clock.monotonicMs() - this.#reportedMs >= timing.nodeStatusReportMs;
    if (!isDue && !hasNews(before, next)) return;
    try {
      this.#node = await client
        .resource(nodeKind)
        .patch(
          { namespace: '', name: nodeName },
          { status: statusPatch(next) },
          { type: 'strategic', subresource: 'status' },
        );
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#node = await this.#ensureNode(); // somebody deleted it while we run
      this.#again = true;
      return;
    }
    this.#reportedMs = clock.monotonicMs();
    for (const reason of turns(before, next))
      events.node(this.#node, 'Normal', reason, `Node ${nodeName} status is now: ${reason}`);
    const [bootBefore, boot] = [before.nodeInfo?.bootID, next.nodeInfo?.bootID];
    if (bootBefore && boot && bootBefore !== boot)
      events.node(this.#node, 'Warning', 'Rebooted', `Node ${nodeName} has been rebooted, boot id: ${boot}`);
  }

  async #status(before: NodeStatus): Promise<NodeStatus> {
    const { runtime, machine, addresses, port, resources, pressure, clock, devices, timing } = this.#options;
    const problems: string[] = [];
    const [conditions, features, images] = await Promise.all([
      runtime.conditions().catch((error) => {
        problems.push(`container runtime is down: ${rpcErrorText(error)}`);
        return [];
      }),
      runtime.features().catch(() => ({ supplementalGroupsPolicy: false, handlers: [] })),
      runtime.listImages().catch(() => []),
    ]);
    problems.push(...runtimeProblems(conditions));
    problems.push(...(this.#options.problems?.() ?? []));
    if (!this.#runtimeVersion && problems.length === 0) {
      const { name, version } = await runtime.version();
      this.#runtimeVersion = `${name}://${version}`;
    }
    const runtimeVersion = this.#runtimeVersion || (before.nodeInfo?.containerRuntimeVersion ?? '');
    return nodeStatus({
      machine,
      addresses,
      port,
      resources: resources(),
      runtimeVersion,
      problems,
      pressure: pressure(),
      findings: this.#options.findings?.() ?? [],
      features,
      images,
      maxImages: timing.nodeStatusMaxImages,
      before,
      nowMs: clock.now(),
      ...(devices ? { devices: devices() } : {}),
      volumesInUse: (await this.#options.volumesInUse?.()) ?? before.volumesInUse ?? [],
    });
  }
}

/** By condition: what is said of the node once it is so, and once it is not. */
const reasons: readonly (readonly [type: string, isSo: string, isNotSo: string])[] = [
  ['MemoryPressure', 'NodeHasInsufficientMemory', 'NodeHasSufficientMemory'],
  ['DiskPressure', 'NodeHasDiskPressure', 'NodeHasNoDiskPressure'],
  ['PIDPressure', 'NodeHasInsufficientPID', 'NodeHasSufficientPID'],
  ['Ready', 'NodeReady', 'NodeNotReady'],
];

/** The reasons of the conditions that are others than before. */
function turns(before: NodeStatus, next: NodeStatus): string[] {
  const told = (status: NodeStatus, type: string) => status.conditions?.find((each) => each.type === type)?.status;
  return reasons.flatMap(([type, isSo, isNotSo]) => {
    const [old, value] = [told(before, type), told(next, type)];
    // A new node is not ready yet: that is no news.
    const isNews = old !== value && (old !== undefined || type !== 'Ready');
    return isNews ? [value === 'True' ? isSo : isNotSo] : [];
  });
}

/** Lists that merge by key are replaced, or addresses that went would stay. */
function statusPatch(status: NodeStatus): object {
  return { ...status, addresses: [...(status.addresses ?? []), { $patch: 'replace' }] };
}

/** Those of `wanted` that are not as they should be, null for what should go; undefined when all are. */
function whatIsMissing(
  found: Readonly<Record<string, string>> = {},
  wanted: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> | undefined {
  const missing = Object.entries(wanted)
    .filter(([key, value]) => found[key] !== value)
    .map(([key, value]) => [key, value ?? null]);
  return missing.length > 0 ? Object.fromEntries(missing) : undefined;
}
