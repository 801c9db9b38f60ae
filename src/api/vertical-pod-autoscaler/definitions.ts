// The definitions that turn vertical autoscaling on. The fields are upstream's; the schema is made here.
import type { CustomResourceDefinition, JSONSchemaProps } from '../../../generated/apiextensions-v1.ts';
import type { KindRef } from '../meta/object.ts';
import { verticalPodAutoscalerCheckpointKind, verticalPodAutoscalerKind, vpaGroup } from './types.ts';

type Schema = JSONSchemaProps;

const text = (description?: string): Schema => ({ type: 'string', ...(description ? { description } : {}) });
const oneOf = (values: readonly string[], description: string): Schema => ({
  type: 'string',
  enum: [...values] as never,
  description,
});
const list = (items: Schema, description?: string): Schema => ({
  type: 'array',
  items: items as never,
  ...(description ? { description } : {}),
});
const object = (properties: Record<string, Schema>, required: string[] = [], description?: string): Schema => ({
  type: 'object',
  ...(description ? { description } : {}),
  ...(required.length > 0 ? { required } : {}),
  properties,
});

const resources = (description: string): Schema => ({
  type: 'object',
  description,
  additionalProperties: {
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    pattern:
      '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$',
    'x-kubernetes-int-or-string': true,
  } as never,
});

const targetRef = object(
  { apiVersion: text(), kind: text(), name: text() },
  ['kind', 'name'],
  'What makes the pods: a Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, or anything that can be scaled.',
);

const updatePolicy = object(
  {
    updateMode: oneOf(
      ['Off', 'Initial', 'Recreate', 'InPlaceOrRecreate', 'Auto'],
      'Off: recommend only. Initial: new pods. Recreate: evict pods too. InPlaceOrRecreate: resize pods as they run, evict where that fails. Auto: as Recreate.',
    ),
    minReplicas: {
      type: 'integer',
      format: 'int32',
      description: 'So many pods must live before one is evicted; 2 if not given.',
    },
    evictionRequirements: list(
      object(
        {
          resources: list(text('Name of a resource.'), 'At least one of these must change that way.'),
          changeRequirement: oneOf(
            ['TargetHigherThanRequests', 'TargetLowerThanRequests'],
            'Which way the target must differ from what the pod requests.',
          ),
        },
        ['changeRequirement', 'resources'],
      ),
      'All must be met before a pod is evicted.',
    ),
  },
  [],
  'When recommendations are applied.',
);

const containerPolicy = object({
  containerName: text('Name of a container, or * for all that have no policy of their own.'),
  mode: oneOf(['Auto', 'Off'], 'Off: this container is left alone.'),
  minAllowed: resources('Recommendations are never lower.'),
  maxAllowed: resources('Recommendations are never higher.'),
  controlledResources: list(text('Name of a resource.'), 'What is recommended: cpu and memory if not given.'),
  controlledValues: oneOf(
    ['RequestsAndLimits', 'RequestsOnly'],
    'Whether limits grow and shrink in proportion to requests; they do if not given.',
  ),
});

const recommendation = object(
  {
    containerRecommendations: list(
      object(
        {
          containerName: text(),
          target: resources('What the container should request.'),
          lowerBound: resources('With less it is likely to fare badly.'),
          upperBound: resources('More is likely wasted.'),
          uncappedTarget: resources('The target before the policy bent it.'),
        },
        ['target'],
      ),
    ),
  },
  [],
  'The latest recommendation.',
);

const condition = object(
  {
    type: text(),
    status: text(),
    lastTransitionTime: { type: 'string', format: 'date-time' },
    reason: text(),
    message: text(),
  },
  ['status', 'type'],
);

const autoscalerSchema = object(
  {
    apiVersion: text(),
    kind: text(),
    metadata: { type: 'object' },
    spec: object(
      {
        targetRef,
        updatePolicy,
        resourcePolicy: object({ containerPolicies: list(containerPolicy) }, [], 'Bounds for each container.'),
        recommenders: list(object({ name: text() }, ['name']), 'Who recommends, if not the default recommender.'),
      },
      ['targetRef'],
    ),
    status: object({ recommendation, conditions: list(condition) }),
  },
  ['spec'],
  'Sets what the pods of a workload request by what they use.',
);

const histogram = object({
  referenceTimestamp: { type: 'string', format: 'date-time', nullable: true },
  bucketWeights: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as Schema,
  totalWeight: { type: 'number' },
});

const checkpointSchema = object(
  {
    apiVersion: text(),
    kind: text(),
    metadata: { type: 'object' },
    spec: object({ vpaObjectName: text(), containerName: text() }),
    status: object({
      lastUpdateTime: { type: 'string', format: 'date-time', nullable: true },
      version: text(),
      cpuHistogram: histogram,
      memoryHistogram: histogram,
      firstSampleStart: { type: 'string', format: 'date-time', nullable: true },
      lastSampleStart: { type: 'string', format: 'date-time', nullable: true },
      totalSamplesCount: { type: 'integer' },
    }),
  },
  [],
  'What the recommender has seen of one container, kept over restarts.',
);

type Version = Omit<CustomResourceDefinition['spec']['versions'][number], 'name' | 'served' | 'storage'>;

function definition(kind: KindRef<any>, shortName: string, version: Version): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${kind.plural}.${vpaGroup}`,
      annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes/kubernetes/pull/63797' },
      labels: { 'app.kubernetes.io/name': 'vertical-pod-autoscaler', 'app.kubernetes.io/managed-by': 'coracle' },
    },
    spec: {
      group: vpaGroup,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.kind.toLowerCase(),
        shortNames: [shortName],
      },
      scope: 'Namespaced',
      versions: [{ name: kind.version, served: true, storage: true, ...version }],
    },
  } as CustomResourceDefinition;
}

export const vpaDefinitions: readonly CustomResourceDefinition[] = [
  definition(verticalPodAutoscalerKind, 'vpa', {
    schema: { openAPIV3Schema: autoscalerSchema },
    subresources: { status: {} },
    additionalPrinterColumns: [
      { name: 'Mode', type: 'string', jsonPath: '.spec.updatePolicy.updateMode' },
      { name: 'CPU', type: 'string', jsonPath: '.status.recommendation.containerRecommendations[0].target.cpu' },
      { name: 'Mem', type: 'string', jsonPath: '.status.recommendation.containerRecommendations[0].target.memory' },
      {
        name: 'Provided',
        type: 'string',
        jsonPath: ".status.conditions[?(@.type=='RecommendationProvided')].status",
      },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ],
  }),
  definition(verticalPodAutoscalerCheckpointKind, 'vpacheckpoint', {
    schema: { openAPIV3Schema: checkpointSchema },
  }),
];
