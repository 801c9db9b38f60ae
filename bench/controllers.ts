// What one change costs the controllers when N objects of its kind exist: objects handed out by their caches, requests, CPU.
//   node --no-warnings bench/controllers.ts [N …] [KIND …]      default: 1000 10000, all

import * as kinds from '../generated/kinds.ts';
import type { KubernetesObject } from '../src/api/meta/object.ts';
import type { Client } from '../src/client/client.ts';
import { SharedInformer } from '../src/reconcile/shared-informer.ts';
import { World } from '../test/sim/world.ts';

const isSize = (argument: string) => /^\d+$/.test(argument);
const sizes = process.argv.slice(2).filter(isSize).map(Number);
const chosen = process.argv.slice(2).filter((argument) => !isSize(argument));
const labels = { app: 'x' };
const containers = [{ name: 'c', image: 'app' }];
const template = { metadata: { labels }, spec: { containers } };
const jobTemplate = { spec: { restartPolicy: 'Never', containers } };
const selector = { matchLabels: labels };
interface Subject {
  readonly kind: any;
  readonly group: string;
  readonly spec?: object;
  /** What stands beside metadata and spec. */
  readonly fields?: object;
  readonly isClusterWide?: boolean;
  /** Where its name is not the resource's. */
  readonly plural?: string;
  /** What each of the many is besides. */
  readonly each?: (place: Place) => object;
  /** What stands in the store beside each of the many, by its key. */
  readonly beside?: (place: Place) => { readonly key: string; readonly object: object };
  /** What happens; default: a label changes. */
  readonly act?: (client: Client, sample: number) => Promise<unknown>;
}

/** One of the many. */
interface Place {
  readonly name: string;
  readonly namespace: string;
  /** The one before it in its namespace. */
  readonly previous?: { readonly name: string; readonly uid: string };
}

const finished = {
  status: {
    succeeded: 1,
    startTime: '2029-12-31T00:00:00Z',
    completionTime: '2029-12-31T00:00:01Z',
    conditions: ['SuccessCriteriaMet', 'Complete'].map((type) => ({
      type,
      status: 'True',
      lastProbeTime: '2029-12-31T00:00:01Z',
      lastTransitionTime: '2029-12-31T00:00:01Z',
    })),
  },
};
const tolerant = (nodeName: string) => ({ containers, nodeName, tolerations: [{ operator: 'Exists' }] });
const ownerOf = ({ name, uid }: { readonly name: string; readonly uid: string }) => [
  { apiVersion: 'v1', kind: 'ConfigMap', name, uid },
];
const subjects: Record<string, Subject> = {
  deployments: { kind: kinds.deploymentKind, group: 'apps', spec: { replicas: 0, selector, template } },
  replicasets: { kind: kinds.replicaSetKind, group: 'apps', spec: { replicas: 0, selector, template } },
  statefulsets: {
    kind: kinds.statefulSetKind,
    group: 'apps',
    spec: { replicas: 0, serviceName: 's', selector, template },
  },
  daemonsets: {
    kind: kinds.daemonSetKind,
    group: 'apps',
    spec: { selector, template: { ...template, spec: { containers, nodeSelector: { no: 'where' } } } },
  },
  jobs: { kind: kinds.jobKind, group: 'batch', spec: { suspend: true, template: jobTemplate } },
  cronjobs: {
    kind: kinds.cronJobKind,
    group: 'batch',
    spec: { schedule: '0 0 1 1 *', suspend: true, jobTemplate: { spec: { template: jobTemplate } } },
  },
  poddisruptionbudgets: { kind: kinds.podDisruptionBudgetKind, group: 'policy', spec: { selector, minAvailable: 1 } },
  services: {
    kind: kinds.serviceKind,
    group: 'core',
    spec: { clusterIP: 'None', selector: labels, ports: [{ port: 80 }] },
  },
  pods: { kind: kinds.podKind, group: 'core', spec: { schedulingGates: [{ name: 'no/go' }], containers } },
  replicationcontrollers: {
    kind: kinds.replicationControllerKind,
    group: 'core',
    spec: { replicas: 0, selector: labels, template },
  },
  horizontalpodautoscalers: {
    kind: kinds.horizontalPodAutoscalerKind,
    group: 'autoscaling',
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'none' }, maxReplicas: 2 },
  },
  resourcequotas: { kind: kinds.resourceQuotaKind, group: 'core', spec: { hard: { configmaps: '1000' } } },
  configmaps: { kind: kinds.configMapKind, group: 'core', fields: { data: { key: 'value' } } },
  secrets: { kind: kinds.secretKind, group: 'core', fields: { type: 'Opaque', data: { key: 'dmFsdWU=' } } },
  serviceaccounts: { kind: kinds.serviceAccountKind, group: 'core' },
  endpoints: {
    kind: kinds.endpointsKind,
    group: 'core',
    fields: { subsets: [{ addresses: [{ ip: '10.9.9.9' }], ports: [{ port: 80 }] }] },
  },
  endpointslices: {
    kind: kinds.endpointSliceKind,
    group: 'discovery.k8s.io',
    fields: { addressType: 'IPv4', endpoints: [{ addresses: ['10.9.9.9'] }], ports: [{ port: 80 }] },
  },
  persistentvolumeclaims: {
    kind: kinds.persistentVolumeClaimKind,
    group: 'core',
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage: '1Gi' } } },
  },
  persistentvolumes: {
    kind: kinds.persistentVolumeKind,
    group: 'core',
    isClusterWide: true,
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      storageClassName: 'none',
      hostPath: { path: '/data' },
    },
  },
  nodes: { kind: kinds.nodeKind, group: 'core', isClusterWide: true, spec: {} },
  'finished jobs': {
    plural: 'jobs',
    kind: kinds.jobKind,
    group: 'batch',
    spec: { suspend: true, ttlSecondsAfterFinished: 100_000_000, template: jobTemplate },
    each: () => finished,
  },
  'tainted nodes': {
    plural: 'nodes',
    kind: kinds.nodeKind,
    group: 'core',
    isClusterWide: true,
    spec: {},
    beside: ({ name }) => ({
      key: `/registry/core/pods/default/on-${name}`,
      object: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `on-${name}`, namespace: 'default', uid: `on-${name}` },
        spec: tolerant(name),
        status: { phase: 'Running' },
      },
    }),
    act: (client, sample) =>
      client
        .resource(kinds.nodeKind)
        .patch(
          { namespace: '', name: 'a' },
          { spec: { taints: [{ key: 'x', value: String(sample), effect: 'NoExecute' }] } },
          { type: 'merge' },
        ),
  },
  'owned objects': {
    plural: 'configmaps',
    kind: kinds.configMapKind,
    group: 'core',
    each: ({ previous }) => (previous ? { ownerReferences: ownerOf(previous) } : {}),
    // One goes with what it owns.
    async act(client, sample) {
      const maps = client.resource(kinds.configMapKind);
      const namespace = 'default';
      const { metadata } = await maps.create({ metadata: { namespace, name: `owner-${sample}` } });
      const ownerReferences = ownerOf({ name: metadata.name, uid: metadata.uid! });
      await maps.create({ metadata: { namespace, name: `owned-${sample}`, ownerReferences } });
      await maps.delete({ namespace, name: metadata.name }, { propagationPolicy: 'Background' });
    },
  },
  namespaces: { kind: kinds.namespaceKind, group: 'core', isClusterWide: true, spec: {} },
};

let handedOut = 0;
for (const method of ['list', 'byIndex'] as const) {
  const original = SharedInformer.prototype[method] as (...args: unknown[]) => readonly unknown[];
  SharedInformer.prototype[method] = function (this: unknown, ...args: unknown[]) {
    const found = original.apply(this, args);
    handedOut += found.length;
    return found;
  } as never;
}

const perNamespace = 100;
const settleMs = 70_000;
const samples = 5;

async function measure(subject: string, count: number) {
  const { kind, group, spec, fields, isClusterWide = false, plural = subject, each, beside, act } = subjects[subject]!;
  const world = await World.start({ seed: 1, nodes: 0, onLostAnswer: () => {} });
  const first = await world.client.resource(kind).create({
    metadata: { name: 'a', namespace: isClusterWide ? undefined : 'default', labels },
    spec,
    ...fields,
  } as never);
  const folderOf = (namespace: string) => `/registry/${group}/${plural}/${isClusterWide ? '' : `${namespace}/`}`;
  const stored = await world.store.get(`${folderOf('default')}a`);
  const model = JSON.parse(Buffer.from(stored!.value).toString('utf8')) as KubernetesObject;
  const copy = (index: number) => {
    const namespace = `n${Math.floor(index / perNamespace)}`;
    const uidOf = (at: number) => `${model.metadata.uid!.slice(0, 24)}${String(at).padStart(12, '0')}`;
    const before = { name: `a${index - 1}`, uid: uidOf(index - 1) };
    const place = { name: `a${index}`, namespace, ...(index % perNamespace === 0 ? {} : { previous: before }) };
    const { ownerReferences, ...more } = (each?.(place) ?? {}) as { ownerReferences?: object[] };
    const metadata = {
      ...model.metadata,
      name: `a${index}`,
      ...(isClusterWide ? {} : { namespace }),
      uid: uidOf(index),
      ...(ownerReferences ? { ownerReferences } : {}),
    };
    const stand = beside?.(place);
    return [
      { key: `${folderOf(namespace)}a${index}`, object: { ...model, metadata, ...more } },
      ...(stand ? [stand] : []),
    ].map(({ key, object }) => ({ key, value: Buffer.from(JSON.stringify(object)) }));
  };
  for (let index = 0; index < count; index += 500)
    await world.store.commit(Array.from({ length: Math.min(500, count - index) }, (_, at) => copy(index + at)).flat());
  // Until what the controllers do about all of them at first is done.
  for (let before = -1; before !== world.ledger.count; ) {
    before = world.ledger.count;
    await world.clock.advance(settleMs);
  }
  const key = { namespace: isClusterWide ? '' : 'default', name: first.metadata.name! };
  // What goes on while nothing changes is no cost of a change.
  handedOut = 0;
  const restMs = await cpuMsOf(async () => {
    for (let sample = 0; sample < samples; sample++) await world.clock.advance(1000);
  });
  const handedOutAtRest = handedOut;
  const commitsBefore = world.ledger.count;
  handedOut = 0;
  const busyMs = await cpuMsOf(async () => {
    for (let sample = 0; sample < samples; sample++) {
      const change = { metadata: { labels: { change: String(sample) } } };
      await (act ? act(world.client, sample) : world.client.resource(kind).patch(key, change, { type: 'merge' }));
      await world.clock.advance(1000);
    }
  });
  const lookedAt = (handedOut - handedOutAtRest) / samples;
  const commits = (world.ledger.count - commitsBefore) / samples;
  await world.stop();
  return { lookedAt, commits, cpuMs: Math.max(0, busyMs - restMs) / samples, restMs: restMs / samples };
}

async function cpuMsOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

console.log('kind                     N  looked at   commits     CPU ms   (for one change)   at rest, a second');
for (const plural of chosen.length > 0 ? chosen : Object.keys(subjects))
  for (const count of sizes.length > 0 ? sizes : [1000, 10_000]) {
    const { lookedAt, commits, cpuMs, restMs } = await measure(plural, count);
    const columns = [
      String(count).padStart(8),
      lookedAt.toFixed(0).padStart(10),
      commits.toFixed(1).padStart(9),
      cpuMs.toFixed(1).padStart(10),
      restMs.toFixed(1).padStart(36),
    ];
    console.log(plural.padEnd(18) + columns.join(' '));
  }
