// VerticalPodAutoscaler of autoscaling.k8s.io/v1, as far as it is read here. It is a custom resource: its definition says more.
import type { KindRef, KubernetesObject } from '../meta/object.ts';

export type ResourceList = Readonly<Record<string, string>>;

export interface TargetRef {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly name: string;
}

export type UpdateMode = 'Off' | 'Initial' | 'Recreate' | 'InPlaceOrRecreate' | 'Auto';

export interface EvictionRequirement {
  readonly resources: readonly string[];
  readonly changeRequirement: 'TargetHigherThanRequests' | 'TargetLowerThanRequests';
}

export interface UpdatePolicy {
  readonly updateMode?: UpdateMode;
  readonly minReplicas?: number;
  readonly evictionRequirements?: readonly EvictionRequirement[];
}

export interface ContainerPolicy {
  readonly containerName?: string;
  readonly mode?: 'Auto' | 'Off';
  readonly minAllowed?: ResourceList;
  readonly maxAllowed?: ResourceList;
  readonly controlledResources?: readonly string[];
  readonly controlledValues?: 'RequestsAndLimits' | 'RequestsOnly';
}

export interface ContainerRecommendation {
  readonly containerName: string;
  readonly target: ResourceList;
  readonly lowerBound?: ResourceList;
  readonly upperBound?: ResourceList;
  readonly uncappedTarget?: ResourceList;
}

export interface Recommendation {
  readonly containerRecommendations?: readonly ContainerRecommendation[];
}

export interface VpaCondition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly lastTransitionTime?: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface VpaStatus {
  readonly recommendation?: Recommendation;
  readonly conditions?: readonly VpaCondition[];
}

export interface VerticalPodAutoscaler extends KubernetesObject {
  readonly spec: {
    readonly targetRef?: TargetRef;
    readonly updatePolicy?: UpdatePolicy;
    readonly resourcePolicy?: { readonly containerPolicies?: readonly ContainerPolicy[] };
    readonly recommenders?: readonly { readonly name: string }[];
  };
  readonly status?: VpaStatus;
}

export interface HistogramCheckpoint {
  readonly referenceTimestamp?: string | null;
  /** Bucket → weight, of 10,000 for the heaviest. */
  readonly bucketWeights?: Readonly<Record<string, number>>;
  readonly totalWeight?: number;
}

export interface VerticalPodAutoscalerCheckpoint extends KubernetesObject {
  readonly spec: { readonly vpaObjectName?: string; readonly containerName?: string };
  readonly status?: {
    readonly lastUpdateTime?: string | null;
    readonly version?: string;
    readonly cpuHistogram?: HistogramCheckpoint;
    readonly memoryHistogram?: HistogramCheckpoint;
    readonly firstSampleStart?: string | null;
    readonly lastSampleStart?: string | null;
    readonly totalSamplesCount?: number;
  };
}

export const vpaGroup = 'autoscaling.k8s.io';
const version = 'v1';

export const verticalPodAutoscalerKind: KindRef<VerticalPodAutoscaler> = {
  group: vpaGroup,
  version,
  kind: 'VerticalPodAutoscaler',
  plural: 'verticalpodautoscalers',
  namespaced: true,
};

export const verticalPodAutoscalerCheckpointKind: KindRef<VerticalPodAutoscalerCheckpoint> = {
  group: vpaGroup,
  version,
  kind: 'VerticalPodAutoscalerCheckpoint',
  plural: 'verticalpodautoscalercheckpoints',
  namespaced: true,
};

/** The name of the definition that turns vertical autoscaling on. */
export const vpaDefinitionName = `${verticalPodAutoscalerKind.plural}.${vpaGroup}`;

/** Somebody else's vertical autoscaler has a mutating webhook of a name that ends so: then ours stands by. */
export const foreignWebhookSuffix = 'vpa-webhook-config';
