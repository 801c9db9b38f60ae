// One of the two clusters, as the steps of a story see it: one namespace, and a kubelet that does what the story says.

import type { WireClient } from '../../upstream/client.ts';
import { podStatus } from '../../upstream/scenarios/pod-status.ts';

export type Json = any;

const paths: Readonly<Record<string, string>> = {
  Pod: '/api/v1/namespaces/NS/pods',
  Service: '/api/v1/namespaces/NS/services',
  Endpoints: '/api/v1/namespaces/NS/endpoints',
  ReplicationController: '/api/v1/namespaces/NS/replicationcontrollers',
  ResourceQuota: '/api/v1/namespaces/NS/resourcequotas',
  PersistentVolumeClaim: '/api/v1/namespaces/NS/persistentvolumeclaims',
  Event: '/api/v1/namespaces/NS/events',
  Deployment: '/apis/apps/v1/namespaces/NS/deployments',
  ReplicaSet: '/apis/apps/v1/namespaces/NS/replicasets',
  StatefulSet: '/apis/apps/v1/namespaces/NS/statefulsets',
  DaemonSet: '/apis/apps/v1/namespaces/NS/daemonsets',
  ControllerRevision: '/apis/apps/v1/namespaces/NS/controllerrevisions',
  Job: '/apis/batch/v1/namespaces/NS/jobs',
  CronJob: '/apis/batch/v1/namespaces/NS/cronjobs',
  PodDisruptionBudget: '/apis/policy/v1/namespaces/NS/poddisruptionbudgets',
  EndpointSlice: '/apis/discovery.k8s.io/v1/namespaces/NS/endpointslices',
};

/** What is compared. */
export const kinds: readonly string[] = Object.keys(paths);

/** What pods do once they are on a node. */
export type PodPolicy = 'ready' | 'unready' | 'fail' | 'succeed' | 'stay';

const nodes = ['n1', 'n2', 'n3'];
const quietMs = 900;
const mostRounds = 25;
const pollMs = 150;

export class Side {
  readonly #client: WireClient;
  readonly namespace: string;
  policy: PodPolicy = 'ready';
  #address = 1;

  constructor(client: WireClient, namespace: string) {
    this.#client = client;
    this.namespace = namespace;
  }

  async ask(
    method: string,
    path: string,
    body?: Json,
    type = 'application/json',
  ): Promise<{ code: number; body: Json }> {
    const { code, body: bytes } = await this.#client.request({
      method,
      path: path.replace('NS', this.namespace),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': type } }),
    });
    return { code, body: bytes.length > 0 ? JSON.parse(bytes.toString()) : {} };
  }

  pathOf(kind: string, name?: string): string {
    return name === undefined ? paths[kind]! : `${paths[kind]}/${name}`;
  }

  async list(kind: string): Promise<Json[]> {
    const { body } = await this.ask('GET', paths[kind]!);
    return (body.items ?? []).map((item: Json) => ({ kind, ...item }));
  }

  async everything(): Promise<Json[]> {
    return (await Promise.all(kinds.map((kind) => this.list(kind)))).flat();
  }

  /** Until nothing changes any more, with pods that do as the policy says. */
  async settle(): Promise<void> {
    for (let round = 0; round < mostRounds; round++) {
      await this.#untilQuiet();
      if (!(await this.#bePods())) return;
    }
  }

  async #untilQuiet(): Promise<void> {
    let last = '';
    for (let sinceMs = performance.now(); performance.now() - sinceMs < quietMs; ) {
      const versions = (await this.everything())
        .filter(({ kind }) => kind !== 'Event')
        .map(({ metadata }) => metadata.resourceVersion);
      const now = versions.join();
      if (now !== last) sinceMs = performance.now();
      last = now;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  /** Gives whether there was anything to do. */
  async #bePods(): Promise<boolean> {
    let hasActed = false;
    for (const pod of (await this.list('Pod')).sort(byBirth)) {
      const path = this.pathOf('Pod', pod.metadata.name);
      if (pod.metadata.deletionTimestamp) {
        if (!pod.spec.nodeName && !pod.metadata.finalizers?.length) continue;
        const { code } = await this.ask('DELETE', path, { gracePeriodSeconds: 0 });
        hasActed ||= code === 200 && !pod.metadata.finalizers?.length;
      } else if (!pod.spec.nodeName) {
        await this.#bind(pod);
        hasActed = true;
      } else if (this.policy !== 'stay' && this.#isDue(pod)) {
        const set = { ready: 'ready', unready: 'unready', fail: 'failed', succeed: 'succeeded' }[
          this.policy
        ] as 'ready';
        const status = podStatus(
          pod,
          { set, ...(set === ('failed' as string) ? { exitCode: 3 } : {}) },
          `10.244.9.${this.#address++ % 250}`,
        );
        await this.ask('PATCH', `${path}/status`, { status }, 'application/merge-patch+json');
        hasActed = true;
      }
    }
    return hasActed;
  }

  #isDue({ status, spec }: Json): boolean {
    if (status.phase === 'Succeeded' || status.phase === 'Failed') return false;
    const isReady = status.conditions?.some((each: Json) => each.type === 'Ready' && each.status === 'True') ?? false;
    if (this.policy === 'ready') return !isReady;
    if (this.policy === 'unready') return status.phase === 'Pending' || isReady;
    return spec.restartPolicy !== 'Always';
  }

  async #bind({ metadata, spec }: Json): Promise<void> {
    const term = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.[0];
    const name = term?.matchFields?.[0]?.values?.[0] ?? nodes[0];
    const target = { apiVersion: 'v1', kind: 'Node', name };
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: metadata.name }, target };
    await this.ask('POST', `${this.pathOf('Pod', metadata.name)}/binding`, binding);
  }
}

const byBirth = (a: Json, b: Json) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion);

/** Three nodes that are ready; their heartbeats are kept up by `beat`. */
export async function makeNodes(client: WireClient): Promise<void> {
  const side = new Side(client, '');
  for (const name of nodes) {
    await side.ask('POST', '/api/v1/nodes', {
      metadata: { name, labels: { 'kubernetes.io/hostname': name, zone: name } },
    });
    await beatNode(side, name);
  }
}

export async function beat(client: WireClient): Promise<void> {
  const side = new Side(client, '');
  for (const name of nodes) await beatNode(side, name);
}

async function beatNode(side: Side, name: string): Promise<void> {
  const now = new Date().toISOString().replace(/\.\d+/, '');
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
  const room = { cpu: '32', memory: '64Gi', pods: '110' };
  const status = { conditions: [condition], capacity: room, allocatable: room };
  await side.ask('PATCH', `/api/v1/nodes/${name}/status`, { status }, 'application/strategic-merge-patch+json');
}
