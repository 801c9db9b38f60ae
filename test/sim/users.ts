// What users do to the cluster, one thing at a time, chosen by the seed. Each gives a line that says what it did; what the
// server refuses is an ordinary day.

import * as kinds from '../../generated/kinds.ts';
import type { KubernetesObject } from '../../src/api/meta/object.ts';
import { StatusError } from '../../src/api/meta/status-error.ts';
import type { Random } from '../../src/base/random.ts';
import type { StoredObject } from './ledger.ts';
import { below, chance, draw, jobSpec, namespaces, pick, template } from './objects.ts';
import type { World } from './world.ts';

export type Ask = <T>(work: Promise<T>) => Promise<T>;

interface Context {
  readonly world: World;
  readonly random: Random;
  readonly ask: Ask;
}

type Act = (context: Context) => Promise<string>;

const kindOf: Record<string, any> = {
  deployments: kinds.deploymentKind,
  replicasets: kinds.replicaSetKind,
  replicationcontrollers: kinds.replicationControllerKind,
  statefulsets: kinds.statefulSetKind,
  daemonsets: kinds.daemonSetKind,
  jobs: kinds.jobKind,
  cronjobs: kinds.cronJobKind,
  poddisruptionbudgets: kinds.podDisruptionBudgetKind,
  resourcequotas: kinds.resourceQuotaKind,
  services: kinds.serviceKind,
  horizontalpodautoscalers: kinds.horizontalPodAutoscalerKind,
};
const scaled = ['deployments', 'replicasets', 'replicationcontrollers', 'statefulsets'];
const templated = [...scaled, 'daemonsets'];

const surges = [0, 1, 2, '25%', '50%', '100%'] as const;

function rollingUpdate(random: Random) {
  const maxSurge = pick(random, surges);
  const maxUnavailable = maxSurge === 0 ? pick(random, [1, '50%']) : pick(random, surges);
  return { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } };
}

/** Without any grace a pod's name is free before it has ended: nobody does that to a StatefulSet. */
function patient<T extends { spec: { terminationGracePeriodSeconds: number } }>(made: T): T {
  const terminationGracePeriodSeconds = Math.max(2, made.spec.terminationGracePeriodSeconds);
  return { ...made, spec: { ...made.spec, terminationGracePeriodSeconds } };
}

/** The spec of a new object of this kind; its pods carry `labels`. */
function specOf(random: Random, resource: string, labels: Record<string, string>): Record<string, unknown> {
  const replicas = below(random, 6);
  const selector = { matchLabels: labels };
  const minReady = chance(random, 0.2) ? { minReadySeconds: below(random, 10) } : {};
  const common = { selector, template: template(random, labels), ...minReady };
  switch (resource) {
    case 'deployments': {
      const strategy = chance(random, 0.2) ? { type: 'Recreate' } : rollingUpdate(random);
      return { ...common, replicas, strategy, revisionHistoryLimit: below(random, 3) };
    }
    case 'replicasets':
      return { ...common, replicas };
    case 'replicationcontrollers':
      return { ...common, selector: labels, replicas };
    case 'statefulsets':
      return {
        ...common,
        template: patient(common.template),
        replicas: below(random, 4),
        serviceName: 'peers',
        podManagementPolicy: pick(random, ['OrderedReady', 'Parallel']),
        updateStrategy: chance(random, 0.2)
          ? { type: 'OnDelete' }
          : { type: 'RollingUpdate', rollingUpdate: { partition: chance(random, 0.2) ? 1 : 0 } },
      };
    case 'daemonsets': {
      const surge = { maxSurge: 1, maxUnavailable: 0 };
      const rolling = chance(random, 0.3) ? surge : { maxUnavailable: pick(random, [1, '50%']) };
      return { ...common, updateStrategy: { type: 'RollingUpdate', rollingUpdate: rolling } };
    }
    case 'jobs':
      return jobSpec(random, labels);
    case 'cronjobs':
      return {
        schedule: pick(random, ['* * * * *', '*/2 * * * *']),
        concurrencyPolicy: pick(random, ['Allow', 'Forbid', 'Replace']),
        successfulJobsHistoryLimit: below(random, 3),
        failedJobsHistoryLimit: below(random, 2),
        jobTemplate: { spec: { ...jobSpec(random, labels), suspend: false } },
      };
    default:
      throw new Error(`no spec for ${resource}`);
  }
}

/** Few labels: those of a name are shared by whatever kinds bear it, so that they compete for pods. */
function create(resource: string): Act {
  return async ({ world, random, ask }) => {
    const namespace = pick(random, namespaces);
    const name = `${resource.slice(0, 3)}-${below(random, 3)}`;
    const app = chance(random, 0.05) ? 'shared' : name;
    const labels = { app };
    const made = specOf(random, resource, labels);
    await ask(
      world.client.resource(kindOf[resource]).create({ metadata: { name, namespace, labels }, spec: made } as any),
    );
    const size = made['replicas'] ?? made['completions'] ?? '';
    return `create ${resource} ${namespace}/${name} ${size}`;
  };
}

function some(context: Context, resources: readonly string[]): { resource: string; object: StoredObject } {
  const resource = pick(context.random, resources);
  const isManaged = ({ metadata }: StoredObject) => resource === 'replicasets' && metadata.ownerReferences?.length;
  const ours = context.world.ledger.list(resource).filter(({ metadata }) => isOurs(metadata.namespace));
  // Sets of a Deployment are its own affair.
  const all = ours.filter((object) => !isManaged(object));
  if (all.length === 0) throw new NothingToDo(resource);
  return { resource, object: pick(context.random, all) };
}

class NothingToDo extends Error {}
const isOurs = (namespace: string | undefined) => (namespaces as readonly string[]).includes(namespace ?? '');
const named = ({ metadata }: KubernetesObject) => ({ namespace: metadata.namespace ?? '', name: metadata.name });
const textOf = (resource: string, object: KubernetesObject) =>
  `${resource} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;

const scale: Act = async (context) => {
  const { resource, object } = some(context, scaled);
  const replicas = below(context.random, 7);
  await context.ask(patch(context, resource, object, { spec: { replicas } }));
  return `scale ${textOf(resource, object)} ${replicas}`;
};

const scaleJob: Act = async (context) => {
  const { object } = some(context, ['jobs']);
  const change = chance(context.random, 0.5)
    ? { parallelism: below(context.random, 4) }
    : { suspend: !object['spec'].suspend };
  await context.ask(patch(context, 'jobs', object, { spec: change }));
  return `change ${textOf('jobs', object)} ${JSON.stringify(change)}`;
};

const newTemplate: Act = async (context) => {
  const { resource, object } = some(context, templated);
  const labels = object['spec'].template.metadata.labels;
  const made = template(context.random, labels);
  const next = { ...object, spec: { ...object['spec'], template: resource === 'statefulsets' ? patient(made) : made } };
  const { resourceVersion: _, ...metadata } = next.metadata;
  await context.ask(context.world.client.resource(kindOf[resource]).update({ ...next, metadata } as any));
  return `new template of ${textOf(resource, object)}`;
};

const tune: Act = async (context) => {
  const { random } = context;
  const { object } = some(context, ['deployments']);
  const change = pick(random, [
    { paused: !object['spec'].paused },
    { strategy: { type: 'Recreate', rollingUpdate: null } },
    { strategy: rollingUpdate(random) },
    { minReadySeconds: below(random, 5) },
  ]);
  await context.ask(patch(context, 'deployments', object, { spec: change }));
  return `tune ${textOf('deployments', object)} ${JSON.stringify(change)}`;
};

const remove: Act = async (context) => {
  const { resource, object } = some(context, Object.keys(kindOf));
  const propagationPolicy = pick(context.random, ['Background', 'Background', 'Foreground', 'Orphan']);
  await context.ask(
    context.world.client.resource(kindOf[resource]).delete(named(object), { propagationPolicy } as any),
  );
  return `delete ${textOf(resource, object)} ${propagationPolicy}`;
};

const removePod: Act = async (context) => {
  const { object } = some(context, ['pods']);
  await context.ask(context.world.client.resource(kinds.podKind).delete(named(object)));
  return `delete ${textOf('pods', object)}`;
};

const relabel: Act = async (context) => {
  const { object } = some(context, ['pods']);
  const app = chance(context.random, 0.4)
    ? 'nobody'
    : pick(context.random, ['dep-0', 'rep-0', 'sta-0', 'shared', 'job-0']);
  await context.ask(patch(context, 'pods', object, { metadata: { labels: { app } } }, kinds.podKind));
  return `relabel ${textOf('pods', object)} ${app}`;
};

const relabelBack: Act = async (context) => {
  const { random, world } = context;
  const strays = world.ledger.list('pods').filter(({ metadata }) => metadata.labels?.['app'] === 'nobody');
  if (strays.length === 0) throw new NothingToDo('strays');
  const pod = pick(random, strays);
  const app = pick(random, ['dep-0', 'rep-0', 'rep-1']);
  await context.ask(patch(context, 'pods', pod, { metadata: { labels: { app } } }, kinds.podKind));
  return `relabel ${textOf('pods', pod)} ${app}`;
};

const strayPod: Act = async ({ world, random, ask }) => {
  const namespace = pick(random, namespaces);
  const labels = { app: pick(random, ['rep-0', 'rep-1', 'dep-0', 'shared']) };
  const name = `stray-${below(random, 1000)}`;
  await ask(
    world.client
      .resource(kinds.podKind)
      .create({ ...template(random, labels), metadata: { namespace, name, labels } } as any),
  );
  return `create pods ${namespace}/${name}`;
};

const budget: Act = async ({ world, random, ask }) => {
  const namespace = pick(random, namespaces);
  const app = pick(random, ['dep-0', 'dep-1', 'rep-0', 'sta-0', 'sta-1', 'shared']);
  const name = `pdb-${below(random, 3)}`;
  const bound = chance(random, 0.5)
    ? { minAvailable: pick(random, [0, 1, 2, '50%']) }
    : { maxUnavailable: pick(random, [0, 1, '25%']) };
  const spec = { selector: { matchLabels: { app } }, ...bound };
  await ask(
    world.client.resource(kinds.podDisruptionBudgetKind).create({ metadata: { name, namespace }, spec } as any),
  );
  return `create poddisruptionbudgets ${namespace}/${name} ${app} ${JSON.stringify(bound)}`;
};

const evict: Act = async (context) => {
  const { object } = some(context, ['pods']);
  return evictPod(context, object);
};

async function evictPod({ world, ask }: Context, pod: StoredObject): Promise<string> {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: named(pod) };
  await ask(world.client.resource(kinds.podKind).post(named(pod), 'eviction', body));
  return `evict ${textOf('pods', pod)}`;
}

const drain: Act = async (context) => {
  const { world, random, ask } = context;
  const nodes = world.ledger.list('nodes');
  if (nodes.length === 0) throw new NothingToDo('nodes');
  const node = pick(random, nodes);
  await ask(patch(context, 'nodes', node, { spec: { unschedulable: true } }, kinds.nodeKind));
  let [gone, kept] = [0, 0];
  for (const pod of world.ledger.list('pods')) {
    if (pod['spec'].nodeName !== node.metadata.name || pod.metadata.deletionTimestamp) continue;
    if (pod.metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet')) continue;
    const isEvicted = await evictPod(context, pod).then(
      () => true,
      (error) => {
        if (error instanceof StatusError) return false;
        throw error;
      },
    );
    if (isEvicted) gone++;
    else kept++;
  }
  return `drain ${node.metadata.name}: ${gone} evicted, ${kept} kept`;
};

const uncordon: Act = async (context) => {
  const node = context.world.ledger.list('nodes').find((each) => each['spec'].unschedulable);
  if (!node) throw new NothingToDo('cordoned nodes');
  await context.ask(patch(context, 'nodes', node, { spec: { unschedulable: null } }, kinds.nodeKind));
  return `uncordon ${node.metadata.name}`;
};

const taint: Act = async (context) => {
  const nodes = context.world.ledger.list('nodes');
  if (nodes.length === 0) throw new NothingToDo('nodes');
  const node = pick(context.random, nodes);
  const others = (node['spec'].taints ?? []).filter(({ key }: { key: string }) => key !== 'sim');
  const isTainted = others.length < (node['spec'].taints ?? []).length;
  const effect = pick(context.random, ['NoSchedule', 'NoExecute', 'PreferNoSchedule']);
  const taints = isTainted ? others : [...others, { key: 'sim', value: 'x', effect }];
  const { resourceVersion } = node.metadata;
  await context.ask(patch(context, 'nodes', node, { metadata: { resourceVersion }, spec: { taints } }, kinds.nodeKind));
  return `${isTainted ? 'untaint' : `taint ${effect}`} ${node.metadata.name}`;
};

const quota: Act = async ({ world, random, ask }) => {
  const namespace = pick(random, namespaces);
  const name = `quota-${below(random, 2)}`;
  const hard = pick(random, [
    { pods: '6' },
    { pods: '12', 'requests.cpu': '1' },
    { 'count/jobs.batch': '2' },
    { pods: '3' },
  ]);
  await ask(
    world.client.resource(kinds.resourceQuotaKind).create({ metadata: { name, namespace }, spec: { hard } } as any),
  );
  return `create resourcequotas ${namespace}/${name} ${JSON.stringify(hard)}`;
};

const service: Act = async ({ world, random, ask }) => {
  const namespace = pick(random, namespaces);
  const app = pick(random, ['dep-0', 'dep-1', 'sta-0', 'rep-0']);
  const spec = { selector: { app }, ports: [{ port: 80 }] };
  await ask(world.client.resource(kinds.serviceKind).create({ metadata: { name: app, namespace }, spec } as any));
  return `create services ${namespace}/${app}`;
};

const autoscaler: Act = async (context) => {
  const { resource, object } = some(context, ['deployments', 'replicasets', 'statefulsets']);
  const { namespace, name } = named(object);
  const spec = {
    minReplicas: below(context.random, 2) + 1,
    maxReplicas: below(context.random, 3) + 3,
    scaleTargetRef: { apiVersion: 'apps/v1', kind: kindOf[resource].kind, name },
  };
  const hpa = { metadata: { name, namespace }, spec };
  await context.ask(context.world.client.resource(kinds.horizontalPodAutoscalerKind).create(hpa as any));
  return `create horizontalpodautoscalers ${namespace}/${name} ${spec.minReplicas}-${spec.maxReplicas}`;
};

const removeNamespace: Act = async ({ world, random, ask }) => {
  const name = pick(random, namespaces);
  await ask(world.client.resource(kinds.namespaceKind).delete({ namespace: '', name }));
  return `delete namespaces ${name}`;
};

const makeNamespace: Act = async ({ world, ask }) => {
  const name = namespaces.find((each) => !world.ledger.find('namespaces', each));
  if (!name) throw new NothingToDo('missing namespaces');
  await ask(world.client.resource(kinds.namespaceKind).create({ metadata: { name } } as any));
  return `create namespaces ${name}`;
};

/** Somebody else writes to an object that a controller is about to write to. */
const touch: Act = async (context) => {
  const { resource, object } = some(context, [...templated, 'jobs']);
  const note = String(below(context.random, 1e6));
  await context.ask(patch(context, resource, object, { metadata: { annotations: { note } } }));
  return `touch ${textOf(resource, object)}`;
};

function patch({ world }: Context, resource: string, object: KubernetesObject, body: unknown, kind = kindOf[resource]) {
  return world.client.resource(kind as any).patch(named(object), body, { type: 'merge' });
}

/** What they do, and how often. */
const acts: readonly (readonly [weight: number, act: Act])[] = [
  [6, create('deployments')],
  [4, create('replicasets')],
  [2, create('replicationcontrollers')],
  [5, create('statefulsets')],
  [2, create('daemonsets')],
  [6, create('jobs')],
  [2, create('cronjobs')],
  [8, scale],
  [4, scaleJob],
  [6, newTemplate],
  [3, tune],
  [5, remove],
  [5, removePod],
  [3, relabel],
  [2, relabelBack],
  [2, strayPod],
  [3, budget],
  [5, evict],
  [2, drain],
  [2, uncordon],
  [2, taint],
  [2, quota],
  [2, service],
  [1, autoscaler],
  [0.5, removeNamespace],
  [2, makeNamespace],
  [3, touch],
];

/** Does something that can be done just now, and says what. */
export async function actOnce(context: Context): Promise<string> {
  for (let tries = 0; tries < 20; tries++) {
    const [, act] = draw(context.random, acts);
    try {
      return await act(context);
    } catch (error) {
      if (error instanceof NothingToDo) continue;
      if (error instanceof StatusError) return `refused: ${error.message.slice(0, 160)}`;
      throw error;
    }
  }
  return 'nothing to do';
}
