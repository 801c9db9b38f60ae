// Nodes as their kubelets would register them, with leases that are renewed as long as the scenario plays.
import { setTimeout as sleep } from 'node:timers/promises';
import { mergePatch } from './api.ts';
import { nowText } from './pod-status.ts';
import type { Json } from './scenario.ts';
import type { Stage } from './stage.ts';

const renewEveryMs = 8000;
/** Nothing public says when a scheduler has heard of a node. */
const cachePauseMs = 600;
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
const notReadyTaint = 'node.kubernetes.io/not-ready';

const healthy = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
] as const;

export class Nodes implements Disposable {
  readonly #stage: Stage;
  #renewing: NodeJS.Timeout | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async add(nodes: readonly Json[]): Promise<void> {
    await Promise.all(nodes.map((node) => this.#addOne(node)));
    const isUntainted = async ({ name }: Json) => {
      const { body } = await this.#stage.api.request('GET', `/api/v1/nodes/${name}`);
      return !body.spec?.taints?.some(({ key }: Json) => key === notReadyTaint);
    };
    const areUntainted = async () => (await Promise.all(nodes.map(isUntainted))).every(Boolean);
    await this.#stage.until(areUntainted, () => 'new nodes to lose the not-ready taint');
    await this.#renewAll();
    this.#renewing ??= setInterval(() => void this.#renewAll().catch(() => {}), renewEveryMs); // the next one may succeed
    await sleep(cachePauseMs);
  }

  async #addOne({ name, labels, annotations, taints, unschedulable, providerID, ...node }: Json): Promise<void> {
    const usual = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', scenario: this.#stage.namespace };
    const metadata = { name, annotations, labels: { ...usual, ...labels } };
    const spec = { taints, unschedulable, providerID };
    const { api } = this.#stage;
    await api.must('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata, spec });
    this.#stage.made.push({ resource: 'v1/nodes', name });
    const amounts = { cpu: '4', memory: '8Gi', pods: '110', 'ephemeral-storage': '100Gi', ...node.allocatable };
    const now = nowText();
    const conditions = healthy.map(([type, status, reason, message]) => ({
      ...{ type, status, reason, message },
      lastHeartbeatTime: now,
      lastTransitionTime: now,
    }));
    const status = { capacity: amounts, allocatable: amounts, conditions, images: node.images, ...node.status };
    await api.must('PATCH', `/api/v1/nodes/${name}/status`, { status }, mergePatch);
  }

  async #renewAll(): Promise<void> {
    const nodes = this.#stage.made.filter(({ resource }) => resource === 'v1/nodes');
    await Promise.all(nodes.map(({ name }) => this.#renew(name)));
  }

  async #renew(name: string): Promise<void> {
    const renewTime = new Date().toISOString().replace('Z', '000Z');
    const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime };
    const { code } = await this.#stage.api.request('PATCH', `${leases}/${name}`, { spec }, mergePatch);
    if (code !== 404) return;
    const metadata = { name, namespace: 'kube-node-lease' };
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    await this.#stage.api.request('POST', leases, lease);
  }

  /** Changes one condition of a node, as its kubelet would. */
  async setCondition({ node, condition }: Json): Promise<void> {
    const path = `/api/v1/nodes/${node}/status`;
    const { status } = await this.#stage.api.must('GET', path);
    const now = nowText();
    const changed = { lastHeartbeatTime: now, lastTransitionTime: now, ...condition };
    const others = status.conditions.filter(({ type }: Json) => type !== changed.type);
    await this.#stage.api.must('PATCH', path, { status: { conditions: [...others, changed] } }, mergePatch);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#renewing);
  }
}
