// What hostile.test.ts puts into a cluster.
import * as kinds from '../../generated/kinds.ts';
import { vpaDefinitions } from '../../src/api/vertical-pod-autoscaler/definitions.ts';

const huge = 2_147_483_647;
const labels = { app: 'x' };
const containers = [{ name: 'c', image: 'app' }];
const template = { metadata: { labels }, spec: { containers } };
const jobTemplate = { spec: { restartPolicy: 'Never', containers } };
const selector = { matchLabels: labels };
const long = 'x'.repeat(63);
const namespace = 'default';
const named = (name: string) => ({ name, namespace });
const quota = { metadata: named('few'), spec: { hard: { pods: '4' } } };

/** As the API prints what was never said. */
const empty = { selector: null, template: { metadata: {}, spec: { containers: null } } };

export interface Case {
  readonly name: string;
  readonly objects: readonly (readonly [kind: any, object: any])[];
  /** Put into the store as they are, past the API. */
  readonly stored?: readonly (readonly [key: string, object: object])[];
  /** The API must not take any of `objects`. */
  readonly isRefused?: boolean;
  /** Events that must say so: `KIND/NAME reason`. */
  readonly tells?: readonly string[];
}

const cronLines = ['*/0 * * * *', '60 * * * *', '* * * * * *', '5-1 * * * *', 'TZ=No/Where * * * * *', '@whenever', ''];
const budget = (name: string, spec: object) =>
  [kinds.podDisruptionBudgetKind, { metadata: named(name), spec }] as const;
const rolling = (name: string, rollingUpdate: object) =>
  [
    kinds.deploymentKind,
    { metadata: named(name), spec: { selector, template, strategy: { type: 'RollingUpdate', rollingUpdate } } },
  ] as const;

const vpaVersion = 'autoscaling.k8s.io/v1';
const ownTarget = {
  targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
  updatePolicy: { updateMode: 'Odd', minReplicas: -1 },
  resourcePolicy: {
    containerPolicies: [
      { containerName: '*', mode: 'Odd', minAllowed: { cpu: '2', memory: 'much' }, maxAllowed: { cpu: '1' } },
    ],
  },
};
const scaler = (name: string, spec: object) =>
  [
    `autoscaling.k8s.io/verticalpodautoscalers/default/${name}`,
    { kind: 'VerticalPodAutoscaler', apiVersion: vpaVersion, metadata: { ...old(name), uid: uidOf(name) }, spec },
  ] as const;

export const cases: Case[] = [
  {
    name: 'counts beyond all measure',
    objects: [
      [kinds.resourceQuotaKind, quota],
      [kinds.replicaSetKind, { metadata: named('rs'), spec: { replicas: huge, selector, template } }],
      [
        kinds.deploymentKind,
        {
          metadata: named('d'),
          spec: {
            replicas: huge,
            minReadySeconds: huge - 1,
            progressDeadlineSeconds: huge,
            revisionHistoryLimit: huge,
            selector,
            template,
            strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '1000%', maxUnavailable: '100%' } },
          },
        },
      ],
      [
        kinds.replicationControllerKind,
        { metadata: named('rc'), spec: { replicas: huge, selector: labels, template } },
      ],
      [
        kinds.horizontalPodAutoscalerKind,
        {
          metadata: named('h'),
          spec: {
            minReplicas: huge,
            maxReplicas: huge,
            scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
          },
        },
      ],
      [kinds.podDisruptionBudgetKind, { metadata: named('b'), spec: { selector, minAvailable: huge } }],
      [
        kinds.statefulSetKind,
        { metadata: named('st'), spec: { replicas: huge, serviceName: 's', selector, template } },
      ],
      [
        kinds.statefulSetKind,
        {
          metadata: named('sp'),
          spec: { replicas: huge, serviceName: 's', podManagementPolicy: 'Parallel', selector, template },
        },
      ],
      [kinds.jobKind, { metadata: named('j'), spec: { parallelism: huge, completions: huge, template: jobTemplate } }],
      [
        kinds.jobKind,
        {
          metadata: named('ji'),
          spec: { parallelism: 1000, completions: 100_000, completionMode: 'Indexed', template: jobTemplate },
        },
      ],
    ],
  },
  {
    name: 'sets that want the same pods',
    objects: [
      [kinds.deploymentKind, { metadata: named('a'), spec: { replicas: 2, selector, template } }],
      [kinds.deploymentKind, { metadata: named('b'), spec: { replicas: 1, selector, template } }],
      [kinds.replicaSetKind, { metadata: named('c'), spec: { replicas: 2, selector, template } }],
      [kinds.replicationControllerKind, { metadata: named('d'), spec: { replicas: 1, selector: labels, template } }],
      [kinds.daemonSetKind, { metadata: named('e'), spec: { selector, template } }],
    ],
  },
  {
    name: 'times that never come and names at their limits',
    objects: [
      [
        kinds.cronJobKind,
        { metadata: named('feb'), spec: { schedule: '0 0 31 2 *', jobTemplate: { spec: { template: jobTemplate } } } },
      ],
      [
        kinds.cronJobKind,
        {
          metadata: named('y'.repeat(52)),
          spec: { schedule: '* * * * *', suspend: true, jobTemplate: { spec: { template: jobTemplate } } },
        },
      ],
      [
        kinds.deploymentKind,
        {
          metadata: named('z'.repeat(250)),
          spec: {
            replicas: 1,
            selector: { matchLabels: { app: long } },
            template: { ...template, metadata: { labels: { app: long } } },
          },
        },
      ],
      [kinds.jobKind, { metadata: named(long), spec: { ttlSecondsAfterFinished: 0, template: jobTemplate } }],
    ],
  },
  {
    name: 'percentages, budgets and autoscalers that make no sense',
    objects: [
      [
        kinds.deploymentKind,
        {
          metadata: named('p'),
          spec: {
            replicas: 3,
            selector,
            template,
            strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '1000%', maxUnavailable: '100%' } },
          },
        },
      ],
      [
        kinds.deploymentKind,
        {
          metadata: named('q'),
          spec: {
            selector,
            template,
            strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '0%', maxUnavailable: '0%' } },
          },
        },
      ],
      [
        kinds.podDisruptionBudgetKind,
        { metadata: named('both'), spec: { selector, minAvailable: 1, maxUnavailable: 1 } },
      ],
      [kinds.podDisruptionBudgetKind, { metadata: named('all'), spec: { selector: {}, minAvailable: '100%' } }],
      [
        kinds.horizontalPodAutoscalerKind,
        {
          metadata: named('self'),
          spec: {
            maxReplicas: 3,
            scaleTargetRef: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', name: 'self' },
          },
        },
      ],
      [
        kinds.horizontalPodAutoscalerKind,
        {
          metadata: named('none'),
          spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'none' } },
        },
      ],
      [
        kinds.resourceQuotaKind,
        { metadata: named('odd'), spec: { hard: { pods: '5' }, scopes: ['BestEffort', 'NotBestEffort'] } },
      ],
    ],
  },
  {
    name: 'objects of other times',
    objects: [],
    stored: [
      ['core/configmaps/default/a', { kind: 'ConfigMap', apiVersion: 'v1', metadata: loop('a', 'b') }],
      ['core/configmaps/default/b', { kind: 'ConfigMap', apiVersion: 'v1', metadata: loop('b', 'a') }],
      [
        'apps/deployments/default/bare',
        { kind: 'Deployment', apiVersion: 'apps/v1', metadata: old('bare'), spec: empty },
      ],
      [
        'apps/replicasets/default/bare',
        { kind: 'ReplicaSet', apiVersion: 'apps/v1', metadata: old('bare'), spec: { ...empty, replicas: -3 } },
      ],
      [
        'apps/statefulsets/default/bare',
        {
          kind: 'StatefulSet',
          apiVersion: 'apps/v1',
          metadata: old('bare'),
          spec: { replicas: -3, selector, template },
        },
      ],
      [
        'batch/jobs/default/bare',
        {
          kind: 'Job',
          apiVersion: 'batch/v1',
          metadata: old('bare'),
          spec: { ttlSecondsAfterFinished: -5, parallelism: -1, selector, template },
        },
      ],
      [
        'batch/cronjobs/default/bare',
        {
          kind: 'CronJob',
          apiVersion: 'batch/v1',
          metadata: old('bare'),
          spec: { schedule: 'whenever', timeZone: 'No/Where' },
        },
      ],
      [
        'policy/poddisruptionbudgets/default/bare',
        {
          kind: 'PodDisruptionBudget',
          apiVersion: 'policy/v1',
          metadata: old('bare'),
          spec: { selector, minAvailable: 1, maxUnavailable: 1 },
        },
      ],
      [
        'core/pods/default/bare',
        {
          kind: 'Pod',
          apiVersion: 'v1',
          metadata: { ...old('bare'), deletionTimestamp: '1969-01-01T00:00:00Z', finalizers: ['no/body'] },
          spec: { containers },
        },
      ],
    ],
  },
];

/** By its key in the store: one that has nothing but its name, or next to nothing. */
const bare = (key: string, kind: string, apiVersion: string, rest: object = {}) => {
  const uid = uidOf([...kind].reverse().join(''));
  const isNamespaced = key.endsWith('/default/');
  const metadata = { ...old('bare'), uid, namespace: isNamespaced ? namespace : undefined };
  return [isNamespaced ? `${key}bare` : `${key}/bare`, { kind, apiVersion, metadata, ...rest }] as const;
};

cases.push({
  name: 'objects that have next to nothing',
  objects: [],
  stored: [
    bare('core/replicationcontrollers/default/', 'ReplicationController', 'v1'),
    bare('apps/daemonsets/default/', 'DaemonSet', 'apps/v1', { spec: empty }),
    bare('apps/controllerrevisions/default/', 'ControllerRevision', 'apps/v1', { revision: -1 }),
    bare('autoscaling/horizontalpodautoscalers/default/', 'HorizontalPodAutoscaler', 'autoscaling/v2', {
      spec: {
        scaleTargetRef: { kind: '', name: '' },
        maxReplicas: -1,
        metrics: [{ type: 'Odd' }, { type: 'Resource' }],
      },
    }),
    bare('core/resourcequotas/default/', 'ResourceQuota', 'v1', { spec: { hard: { pods: '-1' }, scopes: ['Odd'] } }),
    bare('core/services/default/', 'Service', 'v1', {
      spec: { selector: labels, ports: [{ port: -1, targetPort: '' }] },
    }),
    bare('core/endpoints/default/', 'Endpoints', 'v1', { subsets: [{}, { addresses: [{ ip: 'no' }], ports: [{}] }] }),
    bare('discovery.k8s.io/endpointslices/default/', 'EndpointSlice', 'discovery.k8s.io/v1', { addressType: 'Odd' }),
    bare('core/persistentvolumeclaims/default/', 'PersistentVolumeClaim', 'v1', { spec: {} }),
    bare('core/persistentvolumes', 'PersistentVolume', 'v1', { spec: { claimRef: {} }, status: { phase: 'Released' } }),
    bare('storage.k8s.io/storageclasses', 'StorageClass', 'storage.k8s.io/v1'),
    bare('storage.k8s.io/volumeattachments', 'VolumeAttachment', 'storage.k8s.io/v1', { spec: { source: {} } }),
    bare('resource.k8s.io/resourceclaims/default/', 'ResourceClaim', 'resource.k8s.io/v1', { spec: {} }),
    bare('resource.k8s.io/resourceclaimtemplates/default/', 'ResourceClaimTemplate', 'resource.k8s.io/v1', {
      spec: {},
    }),
    bare('resource.k8s.io/resourceslices', 'ResourceSlice', 'resource.k8s.io/v1', {
      spec: { driver: '', pool: {}, devices: [{ name: '', taints: [{ effect: 'NoExecute' }] }] },
    }),
    bare('storage.k8s.io/csinodes', 'CSINode', 'storage.k8s.io/v1', { spec: { drivers: [{}] } }),
    bare('storage.k8s.io/volumeattributesclasses', 'VolumeAttributesClass', 'storage.k8s.io/v1'),
    bare('networking.k8s.io/servicecidrs', 'ServiceCIDR', 'networking.k8s.io/v1', { spec: { cidrs: ['no'] } }),
    bare('networking.k8s.io/ipaddresses', 'IPAddress', 'networking.k8s.io/v1', { spec: {} }),
    bare('core/serviceaccounts/default/', 'ServiceAccount', 'v1'),
    bare('core/secrets/default/', 'Secret', 'v1', { type: 'kubernetes.io/service-account-token' }),
    bare('rbac.authorization.k8s.io/clusterroles', 'ClusterRole', 'rbac.authorization.k8s.io/v1', {
      aggregationRule: { clusterRoleSelectors: [{}, { matchExpressions: [{ key: '', operator: 'Odd' }] }] },
    }),
    bare('certificates.k8s.io/certificatesigningrequests', 'CertificateSigningRequest', 'certificates.k8s.io/v1', {
      spec: { signerName: 'kubernetes.io/kubelet-serving', request: 'AAAA', usages: [] },
      status: { conditions: [{ type: 'Approved', status: 'True' }] },
    }),
    bare('core/nodes', 'Node', 'v1', { spec: { podCIDRs: ['no'], taints: [{ key: '', effect: 'NoExecute' }] } }),
    bare('core/namespaces', 'Namespace', 'v1', { status: { phase: 'Terminating' } }),
  ],
});

cases.push(
  {
    name: 'lines of cron and percentages that mean nothing',
    objects: [
      ...cronLines.map((schedule, at) => {
        const spec = { schedule, jobTemplate: { spec: { template: jobTemplate } } };
        return [kinds.cronJobKind, { metadata: named(`cron-${at}`), spec }] as const;
      }),
      ...['101', '-5%', '5', '1.5%', '%', '101%'].map((value, at) => rolling(`roll-${at}`, { maxUnavailable: value })),
      ...['-5%', 'all', '%', '101%', -1].map((minAvailable, at) => budget(`budget-${at}`, { selector, minAvailable })),
    ],
    isRefused: true,
  },
  {
    name: 'selectors that match everything and pods of two owners',
    objects: [
      [kinds.podKind, { metadata: named('bystander'), spec: { containers } }],
      [kinds.serviceKind, { metadata: named('nobody'), spec: { selector: {}, ports: [{ port: 80 }] } }],
      budget('everybody', { selector: {}, maxUnavailable: '50%' }),
    ],
    stored: [
      ['apps/deployments/default/greedy', greedy('Deployment')],
      ['apps/daemonsets/default/greedy', greedy('DaemonSet')],
      ['apps/replicasets/default/greedy', greedy('ReplicaSet')],
      ['core/pods/default/twice', pod('twice', owner('Deployment'), owner('DaemonSet'))],
      ['core/pods/default/self', pod('self', { apiVersion: 'v1', kind: 'Pod', name: 'self', uid: uidOf('self') })],
    ],
    tells: ['Deployment/greedy SelectingAll', 'DaemonSet/greedy SelectingAll'],
  },
);

const base64 = (text: string) => Buffer.from(text).toString('base64');
const token = (id: string, data: Readonly<Record<string, string>>) =>
  [
    `core/secrets/kube-system/bootstrap-token-${id}`,
    {
      kind: 'Secret',
      apiVersion: 'v1',
      metadata: { ...old(`bootstrap-token-${id}`), namespace: 'kube-system', uid: uidOf(id) },
      type: 'bootstrap.kubernetes.io/token',
      data: { 'token-id': base64(id), 'token-secret': base64('0123456789abcdef'), ...data },
    },
  ] as const;
const policyRule = { apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'], operations: ['*'] };
const deep = `${'('.repeat(3000)}1${')'.repeat(3000)}`;

cases.push({
  name: 'policies, taints, tokens and recommendations that mean nothing',
  objects: [
    ...vpaDefinitions.map((each) => [kinds.customResourceDefinitionKind, each] as const),
    [kinds.deploymentKind, { metadata: named('d'), spec: { replicas: 1, selector, template } }],
  ],
  stored: [
    bare(
      'admissionregistration.k8s.io/validatingadmissionpolicies',
      'ValidatingAdmissionPolicy',
      'admissionregistration.k8s.io/v1',
      {
        spec: {
          matchConstraints: { resourceRules: [policyRule, {}] },
          variables: [{ name: '', expression: '' }],
          matchConditions: [{ name: 'x', expression: deep }],
          validations: [
            { expression: deep },
            { expression: 'object.' },
            { expression: 'variables.none', messageExpression: '(' },
          ],
        },
      },
    ),
    ['resource.k8s.io/devicetaintrules/bare', taintRule('bare', {})],
    ['resource.k8s.io/devicetaintrules/all', taintRule('all', { deviceSelector: {}, taint: { effect: 'Odd' } })],
    token('aaaaaa', { expiration: base64('whenever') }),
    token('bbbbbb', { expiration: '!', 'auth-extra-groups': base64('system:masters') }),
    token('cccccc', { 'usage-bootstrap-signing': base64('true'), 'token-secret': base64('short') }),
    bare('core/configmaps/default/', 'ConfigMap', 'v1', { data: { kubeconfig: '{' } }),
    ...[{}, { targetRef: { kind: 'Deployment', name: 'd' } }, ownTarget].map((spec, at) => scaler(`bare-${at}`, spec)),
    bare(
      'autoscaling.k8s.io/verticalpodautoscalercheckpoints/default/',
      'VerticalPodAutoscalerCheckpoint',
      vpaVersion,
      {
        spec: { vpaObjectName: 'bare-1', containerName: '' },
        status: { totalSamplesCount: -1, cpuHistogram: { totalWeight: huge, bucketWeights: { [-1]: huge, x: 1 } } },
      },
    ),
  ],
});

function taintRule(name: string, spec: object) {
  return {
    kind: 'DeviceTaintRule',
    apiVersion: 'resource.k8s.io/v1beta2',
    metadata: { ...old(name), uid: uidOf(name) },
    spec,
  };
}

function greedy(kind: string) {
  const metadata = { ...old('greedy'), uid: uidOf(kind) };
  return { kind, apiVersion: 'apps/v1', metadata, spec: { replicas: 1, selector: {}, template } };
}

function owner(kind: string) {
  return {
    apiVersion: 'apps/v1',
    kind,
    name: 'greedy',
    uid: uidOf(kind),
    controller: true,
  };
}

function pod(name: string, ...ownerReferences: object[]) {
  return { kind: 'Pod', apiVersion: 'v1', metadata: { ...old(name), ownerReferences }, spec: { containers } };
}

/** Of the form that all uids have. */
function uidOf(name: string): string {
  return `00000000-0000-4000-8000-${Buffer.from(name).toString('hex').slice(0, 12).padStart(12, '0')}`;
}

function old(name: string) {
  return { name, namespace, uid: uidOf(name), creationTimestamp: '1969-12-31T00:00:00Z', generation: 1, labels };
}

function loop(name: string, owner: string) {
  return {
    ...old(name),
    ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: owner, uid: uidOf(owner) }],
  };
}
