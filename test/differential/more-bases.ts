// Objects of kinds that the recordings have few of, or none.
import type { Base } from './bases.ts';
import { typeOf } from './schema.ts';

const cluster = (path: string): string => path;
const inside = (path: string): string => path.replace(/\/([a-z]+)$/, '/namespaces/{ns}/$1');

type Written = readonly [collection: string, apiVersion: string, kind: string, rest: object];

const user = { user: 'jane', groups: ['dev'], uid: '1', extra: { 'example.com/a': ['b'] } };
const onPods = { namespace: '{ns}', verb: 'get', group: '', version: 'v1', resource: 'pods', subresource: 'log' };
const authorization = '/apis/authorization.k8s.io/v1';
const admission = '/apis/admissionregistration.k8s.io/v1';
const flows = '/apis/flowcontrol.apiserver.k8s.io/v1';
const storage = '/apis/storage.k8s.io/v1';

const written: readonly Written[] = [
  [cluster('/api/v1/namespaces'), 'v1', 'Namespace', {}],
  [
    cluster('/api/v1/namespaces'),
    'v1',
    'Namespace',
    {
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'baseline' }, finalizers: ['example.com/wait'] },
      spec: { finalizers: ['kubernetes', 'example.com/other'] },
    },
  ],
  [
    cluster(`${storage}/volumeattributesclasses`),
    'storage.k8s.io/v1',
    'VolumeAttributesClass',
    { driverName: 'csi.example.com', parameters: { iops: '100' } },
  ],
  [
    cluster(`${storage}/csidrivers`),
    'storage.k8s.io/v1',
    'CSIDriver',
    {
      spec: {
        attachRequired: false,
        podInfoOnMount: true,
        fsGroupPolicy: 'File',
        volumeLifecycleModes: ['Ephemeral'],
        tokenRequests: [{ audience: 'a', expirationSeconds: 3600 }],
        requiresRepublish: true,
        seLinuxMount: true,
        nodeAllocatableUpdatePeriodSeconds: 30,
      },
    },
  ],
  [
    cluster(`${storage}/csinodes`),
    'storage.k8s.io/v1',
    'CSINode',
    { spec: { drivers: [{ name: 'd.example.com', nodeID: 'n', topologyKeys: ['zone'], allocatable: { count: 3 } }] } },
  ],
  [
    cluster(`${admission}/validatingadmissionpolicybindings`),
    'admissionregistration.k8s.io/v1',
    'ValidatingAdmissionPolicyBinding',
    {
      spec: {
        policyName: 'policy.example.com',
        paramRef: { name: 'p', namespace: 'default', parameterNotFoundAction: 'Deny' },
        matchResources: { namespaceSelector: { matchLabels: { a: 'b' } } },
        validationActions: ['Warn', 'Audit'],
      },
    },
  ],
  [
    cluster(`${admission}/validatingadmissionpolicybindings`),
    'admissionregistration.k8s.io/v1',
    'ValidatingAdmissionPolicyBinding',
    { spec: { policyName: 'a', validationActions: ['Deny'] } },
  ],
  [
    cluster('/apis/node.k8s.io/v1/runtimeclasses'),
    'node.k8s.io/v1',
    'RuntimeClass',
    {
      handler: 'runc',
      overhead: { podFixed: { cpu: '1', memory: '1Mi' } },
      scheduling: { nodeSelector: { a: 'b' }, tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoSchedule' }] },
    },
  ],
  [
    cluster('/apis/scheduling.k8s.io/v1/priorityclasses'),
    'scheduling.k8s.io/v1',
    'PriorityClass',
    { value: -5, preemptionPolicy: 'Never', description: 'low' },
  ],
  [
    inside('/apis/coordination.k8s.io/v1/leases'),
    'coordination.k8s.io/v1',
    'Lease',
    {
      spec: {
        holderIdentity: 'a',
        leaseDurationSeconds: 15,
        acquireTime: '2030-01-01T00:00:00.000000Z',
        renewTime: '2030-01-01T00:00:01.000000Z',
        leaseTransitions: 1,
        strategy: 'OldestEmulationVersion',
        preferredHolder: 'b',
      },
    },
  ],
  [
    cluster(`${flows}/flowschemas`),
    'flowcontrol.apiserver.k8s.io/v1',
    'FlowSchema',
    {
      spec: {
        priorityLevelConfiguration: { name: 'global-default' },
        matchingPrecedence: 900,
        distinguisherMethod: { type: 'ByNamespace' },
        rules: [
          {
            subjects: [
              { kind: 'ServiceAccount', serviceAccount: { namespace: 'default', name: '*' } },
              { kind: 'User', user: { name: 'a' } },
              { kind: 'Group', group: { name: 'b' } },
            ],
            resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['*'] }],
            nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['/healthz'] }],
          },
        ],
      },
    },
  ],
  [
    cluster(`${flows}/prioritylevelconfigurations`),
    'flowcontrol.apiserver.k8s.io/v1',
    'PriorityLevelConfiguration',
    {
      spec: {
        type: 'Limited',
        limited: {
          nominalConcurrencyShares: 10,
          lendablePercent: 50,
          borrowingLimitPercent: 20,
          limitResponse: { type: 'Queue', queuing: { queues: 16, handSize: 4, queueLengthLimit: 10 } },
        },
      },
    },
  ],
  [
    inside('/api/v1/podtemplates'),
    'v1',
    'PodTemplate',
    { template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } },
  ],
  [
    inside('/apis/apps/v1/controllerrevisions'),
    'apps/v1',
    'ControllerRevision',
    { revision: 3, data: { spec: { a: 1 } } },
  ],
  [
    cluster('/apis/apiregistration.k8s.io/v1/apiservices'),
    'apiregistration.k8s.io/v1',
    'APIService',
    {
      metadata: { name: 'v1.{id}.example.com' },
      spec: {
        group: '{id}.example.com',
        version: 'v1',
        groupPriorityMinimum: 100,
        versionPriority: 10,
        service: { name: 's', namespace: 'default', port: 443 },
        insecureSkipTLSVerify: true,
      },
    },
  ],
  [
    cluster('/apis/apiextensions.k8s.io/v1/customresourcedefinitions'),
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    {
      metadata: { name: '{id}s.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: '{id}s', singular: '{id}', kind: 'Kind', listKind: 'KindList', shortNames: ['k'] },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: '.spec.a' }],
            selectableFields: [{ jsonPath: '.spec.a' }],
            subresources: { status: {}, scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n' } },
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: { type: 'object', properties: { a: { type: 'string' }, n: { type: 'integer' } } },
                  status: { type: 'object', properties: { n: { type: 'integer' } } },
                },
              },
            },
          },
        ],
      },
    },
  ],
  [
    cluster('/apis/authentication.k8s.io/v1/tokenreviews'),
    'authentication.k8s.io/v1',
    'TokenReview',
    { spec: { token: 'x', audiences: ['a'] } },
  ],
  [cluster('/apis/authentication.k8s.io/v1/selfsubjectreviews'), 'authentication.k8s.io/v1', 'SelfSubjectReview', {}],
  [
    cluster(`${authorization}/subjectaccessreviews`),
    'authorization.k8s.io/v1',
    'SubjectAccessReview',
    { spec: { ...user, resourceAttributes: onPods } },
  ],
  [
    cluster(`${authorization}/subjectaccessreviews`),
    'authorization.k8s.io/v1',
    'SubjectAccessReview',
    { spec: { ...user, nonResourceAttributes: { path: '/healthz', verb: 'get' } } },
  ],
  [
    cluster(`${authorization}/selfsubjectaccessreviews`),
    'authorization.k8s.io/v1',
    'SelfSubjectAccessReview',
    {
      spec: {
        resourceAttributes: {
          ...onPods,
          labelSelector: { requirements: [{ key: 'a', operator: 'In', values: ['b'] }] },
          fieldSelector: { requirements: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] },
        },
      },
    },
  ],
  [
    inside(`${authorization}/localsubjectaccessreviews`),
    'authorization.k8s.io/v1',
    'LocalSubjectAccessReview',
    { metadata: { namespace: '{ns}' }, spec: { ...user, resourceAttributes: onPods } },
  ],
  [
    cluster(`${authorization}/selfsubjectrulesreviews`),
    'authorization.k8s.io/v1',
    'SelfSubjectRulesReview',
    { spec: { namespace: 'default' } },
  ],
];

export const moreBases: readonly Base[] = written.map(([collection, apiVersion, kind, rest], index) => ({
  id: `more/${kind}/${index}`,
  collection,
  kind: `${apiVersion} ${kind}`,
  type: typeOf(apiVersion, kind)!,
  body: JSON.stringify({ apiVersion, kind, ...rest }),
}));
