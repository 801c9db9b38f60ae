// Where one scenario plays: its namespace, what it made, what it has learnt; and clearing it all away.
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, mergePatch, type Target } from './api.ts';
import { Names } from './names.ts';
import type { Json, Scenario } from './scenario.ts';

export interface Made {
  readonly resource: string;
  readonly name: string;
}

/** The less often something changes, the less often it is looked at. */
const pollMs = [60, 100, 150, 200, 300] as const;
const immediately = { gracePeriodSeconds: 0, propagationPolicy: 'Background' };

export class Stage {
  readonly api: Api;
  readonly namespace: string;
  readonly names: Names;
  /** Objects of the cluster and namespaces, to be taken away. */
  readonly made: Made[] = [];
  /** Objects with finalizers. */
  readonly held: Target[] = [];
  /** Plays the kubelet; called before every look. */
  tick: () => Promise<void> = async () => {};
  readonly patienceSeconds: number;
  readonly #hasRevisions: boolean;

  constructor(api: Api, scenario: Scenario, patienceSeconds: number) {
    this.patienceSeconds = patienceSeconds;
    this.api = api;
    const letters = Array.from({ length: 5 }, () => randomInt(36).toString(36)).join('');
    this.namespace = `s-${scenario.id.slice(0, 40)}-${letters}`;
    this.names = new Names(this.namespace);
    this.#hasRevisions = /"(?:Deployment|ReplicaSet|StatefulSet|DaemonSet)"/.test(JSON.stringify(scenario.steps));
  }

  async makeNamespace(name: string, metadata: Json = {}): Promise<void> {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { ...metadata, name } };
    await this.api.must('POST', '/api/v1/namespaces', namespace);
    const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
    const exists = async () => (await this.api.request('GET', account)).code === 200;
    await this.until(exists, () => `the default ServiceAccount of ${name}`);
  }

  async until(check: () => Promise<boolean>, what: () => string, seconds = this.patienceSeconds): Promise<void> {
    const end = Date.now() + seconds * 1000;
    for (let looks = 0; ; looks++) {
      await this.tick();
      if (await check()) return;
      if (Date.now() > end) throw new Error(`after ${seconds} s still waiting: ${what()}`);
      await pause(looks);
    }
  }

  /** By age. */
  async pods(selector?: string, namespace = this.namespace): Promise<Json[]> {
    const query = selector ? `?labelSelector=${encodeURIComponent(selector)}` : '';
    const { items } = await this.api.must('GET', `/api/v1/namespaces/${namespace}/pods${query}`);
    return items.sort(byAge);
  }

  /** Numbers the revisions made so far. */
  async learn(): Promise<void> {
    if (!this.#hasRevisions) return;
    const list = async (plural: string): Promise<Json[]> =>
      (await this.api.request('GET', `/apis/apps/v1/namespaces/${this.namespace}/${plural}`)).body.items ?? [];
    const [sets, revisions] = await Promise.all([list('replicasets'), list('controllerrevisions')]);
    for (const { metadata } of sets.sort(byAge)) this.names.learnHash(metadata.labels?.['pod-template-hash']);
    for (const { metadata } of revisions.sort((a, b) => a.revision - b.revision)) {
      const { labels = {} } = metadata;
      this.names.learnHash(labels['controller.kubernetes.io/hash'] ?? labels['controller-revision-hash']);
    }
  }

  /** `{ns}`, `{time:-60}` and `{cron:-300}` in every string. */
  fill(value: Json): Json {
    if (typeof value === 'string') return this.#fillText(value);
    if (Array.isArray(value)) return value.map((item) => this.fill(item));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.#fillText(key), this.fill(item)]));
  }

  #fillText(text: string): string {
    return text
      .replaceAll('{ns}', this.namespace)
      .replace(/\{time:(-?\d+)\}/g, (_, seconds) => fromNow(seconds).toISOString().replace(/\.\d+/, ''))
      .replace(/\{cron:(-?\d+)\}/g, (_, seconds) => {
        const then = fromNow(seconds);
        return `${then.getUTCMinutes()} ${then.getUTCHours()} * * *`;
      });
  }

  /** `{uid:v1/configmaps/owner}` becomes the uid of that object. */
  async fillUids<T>(step: T): Promise<T> {
    let text = JSON.stringify(step);
    for (const [whole, target] of text.matchAll(/\{uid:((?:[^{}]|\{ns\})+)\}/g)) {
      const cut = target!.lastIndexOf('/');
      const [resource, name] = [target!.slice(0, cut), this.fill(target!.slice(cut + 1))];
      const path = await this.api.path({ resource, namespace: this.namespace, name });
      text = text.replaceAll(whole, (await this.api.must('GET', path)).metadata.uid);
    }
    return JSON.parse(text) as T;
  }

  /** Twice: what goes away may have been holding something else. */
  async clear(): Promise<void> {
    const areNamespaces = ({ resource }: Made) => resource === 'v1/namespaces';
    const namespaces = [this.namespace, ...this.made.filter(areNamespaces).map(({ name }) => name)];
    for (const each of namespaces) await this.api.request('DELETE', `/api/v1/namespaces/${each}`, immediately);
    const others = this.made.filter((each) => !areNamespaces(each));
    for (let round = 0; round < 2; round++) {
      for (const each of namespaces) await this.#clearPods(each);
      await Promise.all(others.map((each) => this.#clearOne(each)));
    }
    for (const target of this.held) await this.#release(await this.api.path(target));
  }

  async #clearPods(namespace: string): Promise<void> {
    const { body } = await this.api.request('GET', `/api/v1/namespaces/${namespace}/pods`);
    const remove = async ({ metadata }: Json) => {
      const path = `/api/v1/namespaces/${namespace}/pods/${metadata.name}`;
      if (metadata.finalizers?.length) await this.#release(path);
      await this.api.request('DELETE', path, immediately);
    };
    await Promise.all((body.items ?? []).map(remove));
  }

  async #clearOne({ resource, name }: Made): Promise<void> {
    const path = await this.api.path({ resource, name });
    const { code, body } = await this.api.request('GET', path);
    if (code !== 200) return;
    if (body.metadata?.finalizers?.length) await this.#release(path);
    await this.api.request('DELETE', path, immediately);
    const lease = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`;
    if (resource === 'v1/nodes') await this.api.request('DELETE', lease);
  }

  #release(path: string) {
    return this.api.request('PATCH', path, { metadata: { finalizers: null } }, mergePatch);
  }
}

export const pause = (looks: number): Promise<void> => sleep(pollMs[Math.min(looks >> 1, pollMs.length - 1)]);

const fromNow = (seconds: string) => new Date(Date.now() + Number(seconds) * 1000);

function byAge(a: Json, b: Json): number {
  const key = ({ metadata }: Json) => metadata.creationTimestamp + metadata.name;
  return key(a) < key(b) ? -1 : 1;
}
