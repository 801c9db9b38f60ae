// Stories: what somebody does to one workload, made up from a seed.
import type { Random } from '../../../src/base/random.ts';
import type { PodStatusWish } from '../../upstream/scenarios/pod-status.ts';
import type { Figures } from './metrics.ts';
import type { Json, PodPolicy } from './side.ts';

export type Step =
  /** A `status` in it is written afterwards. */
  | { readonly do: 'create'; readonly object: Json }
  | {
      readonly do: 'patch';
      readonly kind: string;
      readonly name: string;
      readonly patch: Json;
      readonly subresource?: string;
      /** Default: strategic. */
      readonly type?: 'merge' | 'strategic' | 'json';
    }
  | {
      readonly do: 'post';
      readonly kind: string;
      readonly name: string;
      readonly subresource: string;
      readonly object: Json;
    }
  | {
      readonly do: 'delete';
      readonly kind: string;
      readonly name: string;
      readonly propagation?: string;
      readonly grace?: number;
    }
  /** Those of the kind, one after another. */
  | { readonly do: 'deleteAll'; readonly kind: string }
  | { readonly do: 'pods'; readonly policy: PodPolicy }
  /** A kubelet's word about some pods; `names` is a regular expression. */
  | { readonly do: 'say'; readonly names: string; readonly wish: PodStatusWish }
  /** What is measured from now on. */
  | { readonly do: 'measure'; readonly figures: Figures }
  | { readonly do: 'wait'; readonly seconds: number }
  /** A wait in which pods go on as told. */
  | { readonly do: 'live'; readonly seconds: number };

export interface Story {
  readonly title: string;
  readonly steps: readonly Step[];
  /** What is compared; default: the usual ones. */
  readonly kinds?: readonly string[];
}

class Dice {
  readonly #random: Random;
  constructor(random: Random) {
    this.#random = random;
  }
  among<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random.next() * values.length)]!;
  }
  chance(part: number): boolean {
    return this.#random.next() < part;
  }
  to(most: number): number {
    return Math.floor(this.#random.next() * (most + 1));
  }
}

const labels = { app: 'a' };
const template = (more: Json = {}, spec: Json = {}) => ({
  metadata: { labels, ...more },
  spec: {
    terminationGracePeriodSeconds: 1,
    ...spec,
    containers: [{ name: 'c', image: 'i1', ...spec.container }],
    container: undefined,
  },
});

const image = (dice: Dice) => `i${1 + dice.to(3)}`;
const policies: readonly PodPolicy[] = ['ready', 'ready', 'ready', 'unready', 'stay'];
const newImage = (kind: string, dice: Dice): Step => ({
  do: 'patch',
  kind,
  name: 'a',
  patch: { spec: { template: { spec: { containers: [{ name: 'c', image: image(dice) }] } } } },
});
const spec = (kind: string, patch: Json): Step => ({ do: 'patch', kind, name: 'a', patch: { spec: patch } });
const pods = (policy: PodPolicy): Step => ({ do: 'pods', policy });
const end = (kind: string, dice: Dice): Step => ({
  do: 'delete',
  kind,
  name: 'a',
  propagation: dice.among(['Background', 'Foreground', 'Orphan']),
});

function several(count: number, dice: Dice, makers: readonly (() => Step)[]): Step[] {
  return Array.from({ length: count }, () => dice.among(makers)());
}

function deployment(dice: Dice): Step[] {
  const strategy = dice.chance(0.25)
    ? { type: 'Recreate' }
    : {
        type: 'RollingUpdate',
        rollingUpdate: { maxSurge: dice.among([0, 1, '25%', '50%']), maxUnavailable: dice.among([1, '25%', '50%', 2]) },
      };
  const object = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'a' },
    spec: {
      replicas: dice.to(5),
      selector: { matchLabels: labels },
      strategy,
      template: template(),
      ...(dice.chance(0.3) ? { minReadySeconds: 2 } : {}),
      ...(dice.chance(0.3) ? { revisionHistoryLimit: dice.to(1) } : {}),
      ...(dice.chance(0.3) ? { progressDeadlineSeconds: 5 } : {}),
      ...(dice.chance(0.15) ? { paused: true } : {}),
    },
  };
  return [
    { do: 'create', object },
    ...several(5, dice, [
      () => newImage('Deployment', dice),
      () => newImage('Deployment', dice),
      () => spec('Deployment', { replicas: dice.to(6) }),
      () => spec('Deployment', { paused: dice.chance(0.5) }),
      () => pods(dice.among(policies)),
      () => ({
        do: 'patch',
        kind: 'Deployment',
        name: 'a',
        patch: { metadata: { annotations: { note: String(dice.to(9)) } } },
      }),
    ]),
    pods('ready'),
    ...(dice.chance(0.4) ? [end('Deployment', dice)] : []),
  ];
}

function replicaSet(dice: Dice, kind: 'ReplicaSet' | 'ReplicationController'): Step[] {
  const orphan = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'orphan', labels }, spec: template().spec };
  const selector = kind === 'ReplicaSet' ? { matchLabels: labels } : labels;
  const object = {
    apiVersion: kind === 'ReplicaSet' ? 'apps/v1' : 'v1',
    kind,
    metadata: { name: 'a' },
    spec: { replicas: dice.to(4), selector, template: template(), ...(dice.chance(0.3) ? { minReadySeconds: 2 } : {}) },
  };
  return [
    ...(dice.chance(0.4) ? [{ do: 'create' as const, object: orphan }] : []),
    { do: 'create', object },
    ...several(4, dice, [
      () => spec(kind, { replicas: dice.to(5) }),
      () => spec(kind, { replicas: dice.to(5) }),
      () => newImage(kind, dice),
      () => pods(dice.among(policies)),
    ]),
    ...(dice.chance(0.5) ? [end(kind, dice)] : []),
  ];
}

function statefulSet(dice: Dice): Step[] {
  const updateStrategy = dice.chance(0.3)
    ? { type: 'OnDelete' }
    : {
        type: 'RollingUpdate',
        rollingUpdate: { partition: dice.to(2), ...(dice.chance(0.3) ? { maxUnavailable: 2 } : {}) },
      };
  const claim = {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage: '1Gi' } } },
  };
  const hasClaims = dice.chance(0.4);
  const object = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'a' },
    spec: {
      serviceName: 'a',
      replicas: dice.to(4),
      selector: { matchLabels: labels },
      podManagementPolicy: dice.among(['OrderedReady', 'Parallel']),
      updateStrategy,
      template: template(),
      ...(dice.chance(0.3) ? { ordinals: { start: 3 } } : {}),
      ...(dice.chance(0.3) ? { minReadySeconds: 2 } : {}),
      ...(dice.chance(0.3) ? { revisionHistoryLimit: 1 } : {}),
      ...(hasClaims
        ? {
            volumeClaimTemplates: [claim],
            persistentVolumeClaimRetentionPolicy: {
              whenScaled: dice.among(['Retain', 'Delete']),
              whenDeleted: dice.among(['Retain', 'Delete']),
            },
          }
        : {}),
    },
  };
  return [
    { do: 'create', object },
    ...several(5, dice, [
      () => newImage('StatefulSet', dice),
      () => newImage('StatefulSet', dice),
      () => spec('StatefulSet', { replicas: dice.to(4) }),
      () => pods(dice.among(policies)),
      () => ({ do: 'delete', kind: 'Pod', name: `a-${dice.to(3)}` }),
      () => spec('StatefulSet', { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } }),
    ]),
    pods('ready'),
    ...(dice.chance(0.4) ? [end('StatefulSet', dice)] : []),
  ];
}

function daemonSet(dice: Dice): Step[] {
  const rolling = dice.chance(0.4)
    ? { maxSurge: dice.among([1, '50%']), maxUnavailable: 0 }
    : { maxUnavailable: dice.among([1, 2, '50%']) };
  const updateStrategy = dice.chance(0.3) ? { type: 'OnDelete' } : { type: 'RollingUpdate', rollingUpdate: rolling };
  const object = {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'a' },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy,
      template: template({}, dice.chance(0.3) ? { nodeSelector: { zone: 'n2' } } : {}),
      ...(dice.chance(0.3) ? { minReadySeconds: 2 } : {}),
      ...(dice.chance(0.3) ? { revisionHistoryLimit: 1 } : {}),
    },
  };
  return [
    { do: 'create', object },
    ...several(4, dice, [
      () => newImage('DaemonSet', dice),
      () => newImage('DaemonSet', dice),
      () => pods(dice.among(policies)),
      () =>
        spec('DaemonSet', {
          template: { spec: { nodeSelector: dice.chance(0.5) ? { zone: dice.among(['n1', 'n3']) } : null } },
        }),
    ]),
    pods('ready'),
    ...(dice.chance(0.4) ? [end('DaemonSet', dice)] : []),
  ];
}

function job(dice: Dice): Step[] {
  const isIndexed = dice.chance(0.5);
  const completions = 1 + dice.to(3);
  const failurePolicy = {
    rules: [
      {
        action: dice.among(['FailJob', 'Ignore', 'Count', ...(isIndexed ? ['FailIndex'] : [])]),
        onExitCodes: { operator: 'In', values: [3] },
      },
    ],
  };
  const perIndex = isIndexed && (dice.chance(0.4) || failurePolicy.rules[0]!.action === 'FailIndex');
  const hasPolicy = failurePolicy.rules[0]!.action === 'FailIndex' || dice.chance(0.3);
  const object = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'a' },
    spec: {
      parallelism: 1 + dice.to(2),
      ...(isIndexed || dice.chance(0.7) ? { completions } : {}),
      completionMode: isIndexed ? 'Indexed' : 'NonIndexed',
      ...(perIndex
        ? { backoffLimitPerIndex: dice.to(1), ...(dice.chance(0.5) ? { maxFailedIndexes: 1 } : {}) }
        : { backoffLimit: dice.to(1) }),
      ...(hasPolicy ? { podFailurePolicy: failurePolicy } : {}),
      ...(isIndexed && dice.chance(0.3) ? { successPolicy: { rules: [{ succeededCount: 1 }] } } : {}),
      ...(dice.chance(0.2) ? { podReplacementPolicy: 'Failed' } : {}),
      ...(dice.chance(0.15) ? { suspend: true } : {}),
      ...(dice.chance(0.1) ? { managedBy: 'example.com/other' } : {}),
      template: { metadata: { labels }, spec: { ...template().spec, restartPolicy: 'Never' } },
    },
  };
  return [
    pods(dice.among(['stay', 'ready', 'succeed', 'fail'])),
    { do: 'create', object },
    ...several(3, dice, [
      () => pods(dice.among(['ready', 'succeed', 'fail'])),
      () => spec('Job', { suspend: dice.chance(0.5) }),
      () => spec('Job', { parallelism: dice.to(3) }),
    ]),
    pods('succeed'),
    ...(dice.chance(0.4) ? [end('Job', dice)] : []),
  ];
}

function budget(dice: Dice): Step[] {
  const object = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'b' },
    spec: {
      selector: { matchLabels: labels },
      ...(dice.chance(0.5)
        ? { minAvailable: dice.among([1, '50%', 2]) }
        : { maxUnavailable: dice.among([1, '30%', 0]) }),
    },
  };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's' },
    spec: {
      selector: labels,
      clusterIP: 'None',
      ports: [{ port: 80, name: 'web' }],
      ...(dice.chance(0.4) ? { publishNotReadyAddresses: true } : {}),
    },
  };
  const quota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'q' },
    spec: { hard: { pods: String(3 + dice.to(3)), 'count/deployments.apps': '1' } },
  };
  const steps = deployment(dice);
  return [
    ...(dice.chance(0.8) ? [{ do: 'create' as const, object }] : []),
    ...(dice.chance(0.6) ? [{ do: 'create' as const, object: service }] : []),
    ...(dice.chance(0.4) ? [{ do: 'create' as const, object: quota }] : []),
    ...steps,
  ];
}

const tellers: Readonly<Record<string, (dice: Dice) => Step[]>> = {
  deployment,
  replicaset: (dice) => replicaSet(dice, 'ReplicaSet'),
  replicationcontroller: (dice) => replicaSet(dice, 'ReplicationController'),
  statefulset: statefulSet,
  daemonset: daemonSet,
  job,
  budget,
};

export const subjects: readonly string[] = Object.keys(tellers);

/** What was left behind is taken up by one that is made again. */
function again(steps: readonly Step[], dice: Dice): readonly Step[] {
  const last = steps.at(-1);
  if (last?.do !== 'delete' || last.propagation !== 'Orphan' || !dice.chance(0.7)) return steps;
  const made = steps.find((step) => step.do === 'create' && step.object.kind === last.kind)!;
  return [...steps, made, pods('ready')];
}

/** The same seed tells the same story. */
export function tell(subject: string, random: Random, seed: string): Story {
  for (let warm = 0; warm < 5; warm++) random.next();
  const dice = new Dice(random);
  return { title: `${subject} ${seed}`, steps: again(tellers[subject]!(dice), dice) };
}
