// One of the two clusters, as the steps of a story see it: one namespace, and a kubelet that does what the story says.

import type { WireClient } from '../../upstream/client.ts';
import { type PodStatusWish, podStatus } from '../../upstream/scenarios/pod-status.ts';
import type { Figures } from './metrics.ts';
import { clusterKinds, paths, usualKinds } from './paths.ts';

export type Json = any;

/** What pods do once they are on a node. */
export type PodPolicy = 'ready' | 'unready' | 'fail' | 'succeed' | 'stay' | 'away';

const nodes = ['n1', 'n2', 'n3'];
const quietMs = 900;
const mostRounds = 25;
const pollMs = 150;
const liveMs = 1500;

export class Side {
  readonly #client: WireClient;
  readonly namespace: string;
  readonly kinds: readonly string[];
  policy: PodPolicy = 'ready';
  /** Whether this side puts pods on nodes itself; else a scheduler does. */
  binds = true;
  /** Who tells this side what is measured. */
  metrics: { measure(namespace: string, figures: Figures): void } | undefined;
  #address = 1;

  constructor(client: WireClient, namespace: string, kinds: readonly string[] = usualKinds) {
    this.#client = client;
    this.namespace = namespace;
    this.kinds = kinds;
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
    const text = bytes.toString();
    return { code, body: text.startsWith('{') ? JSON.parse(text) : { message: text } };
  }

  pathOf(kind: string, name?: string): string {
    const path = paths.get(kind);
    if (!path) throw new Error(`no path for ${kind}`);
    return name === undefined ? path : `${path}/${name}`;
  }

  async list(kind: string): Promise<Json[]> {
    const { body } = await this.ask('GET', this.pathOf(kind));
    const isMine = ({ metadata }: Json) => !clusterKinds.has(kind) || metadata.name.includes(this.namespace);
    return (body.items ?? []).filter(isMine).map((item: Json) => ({ ...item, kind }));
  }

  async everything(): Promise<Json[]> {
    return (await Promise.all(this.kinds.map((kind) => this.list(kind)))).flat();
  }

  /** Until nothing changes any more, with pods that do as the policy says. */
  async settle(): Promise<void> {
    for (let round = 0; round < mostRounds; round++) {
      await this.#untilQuiet();
      if (!(await this.#bePods())) return;
    }
  }

  /** For so long, pods do as the policy says. */
  async live(ms: number): Promise<void> {
    for (const beganMs = performance.now(); performance.now() - beganMs < ms; ) {
      await this.#bePods();
      await new Promise((resolve) => setTimeout(resolve, liveMs));
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
    if (this.policy === 'away' || !this.kinds.includes('Pod')) return false;
    let hasActed = false;
    for (const pod of (await this.list('Pod')).sort(byBirth)) {
      const path = this.pathOf('Pod', pod.metadata.name);
      if (pod.metadata.deletionTimestamp) {
        if (!pod.spec.nodeName && !pod.metadata.finalizers?.length) continue;
        const { code } = await this.ask('DELETE', path, { gracePeriodSeconds: 0 });
        hasActed ||= code === 200 && !pod.metadata.finalizers?.length;
      } else if (!pod.spec.nodeName) {
        if (!this.binds || pod.spec.schedulingGates?.length) continue;
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

  /** Nodes, volumes and pods go, so that the next story starts alone. */
  async clear(): Promise<void> {
    const now = { gracePeriodSeconds: 0 };
    for (const kind of [...this.kinds].filter((each) => each === 'Pod' || clusterKinds.has(each)).reverse())
      for (const { metadata } of await this.list(kind)) {
        const path = this.pathOf(kind, metadata.name);
        if (metadata.finalizers?.length && kind !== 'Namespace')
          await this.ask('PATCH', path, { metadata: { finalizers: null } }, 'application/merge-patch+json');
        await this.ask('DELETE', path, now);
      }
    await this.ask('DELETE', `/api/v1/namespaces/${this.namespace}`);
  }

  /** A kubelet's word about the pods with these names. */
  async say(names: RegExp, wish: PodStatusWish): Promise<void> {
    for (const pod of (await this.list('Pod')).filter(({ metadata }) => names.test(metadata.name))) {
      const status = podStatus(pod, wish, `10.244.9.${this.#address++ % 250}`);
      const path = `${this.pathOf('Pod', pod.metadata.name)}/status`;
      await this.ask('PATCH', path, { status }, 'application/merge-patch+json');
    }
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
      metadata: { name, labels: { 'kubernetes.io/hostname': name, zone: name, base: 'yes' } },
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
