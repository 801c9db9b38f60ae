// HorizontalPodAutoscalers are kept as autoscaling/v2; v1 is a view of them (v1.ts).
import type { HorizontalPodAutoscaler, HPAScalingRules, MetricSpec } from '../../../generated/autoscaling-v2.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';
import { nonNegative } from '../meta/number-validation.ts';
import { keepStatus, statusRules } from '../meta/strategy.ts';
import { targetsCell } from './targets-cell.ts';
import { autoscalingV1 } from './v1.ts';
import { validateAutoscaler } from './validation.ts';

const cpuMetric = (): MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
});

const scaleUp = (): HPAScalingRules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
});

const scaleDown = (): HPAScalingRules => ({
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
});

export const horizontalPodAutoscalerKind: KindDefinition<HorizontalPodAutoscaler> = {
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  defaults({ spec }) {
    spec.minReplicas ??= 1;
    if (!spec.metrics?.length) spec.metrics = [cpuMetric()];
    if (!spec.behavior) return;
    spec.behavior.scaleUp = { ...scaleUp(), ...spec.behavior.scaleUp };
    spec.behavior.scaleDown = { ...scaleDown(), ...spec.behavior.scaleDown };
  },
  prepareForCreate(object) {
    object.status = { desiredReplicas: 0, currentMetrics: null } as never;
  },
  prepareForUpdate: keepStatus,
  validate: ({ spec }, errors) => validateAutoscaler(spec, errors),
  subresources: {
    status: statusRules<HorizontalPodAutoscaler>({
      validateUpdate({ status }, _current, errors) {
        nonNegative(status?.currentReplicas, path('status', 'currentReplicas'), errors);
        nonNegative(status?.desiredReplicas, path('status', 'desiredReplicas'), errors);
      },
    }),
  },
  otherVersions: [autoscalingV1],
  columns: [
    nameColumn,
    {
      name: 'Reference',
      type: 'string',
      description:
        'scaleTargetRef points to the target resource to scale, and is used to the pods for which metrics should be collected, as well as to actually change the replica count.',
      cell: ({ spec: { scaleTargetRef } }) => `${scaleTargetRef.kind}/${scaleTargetRef.name}`,
    },
    {
      name: 'Targets',
      type: 'string',
      description:
        'metrics contains the specifications for which to use to calculate the desired replica count (the maximum replica count across all metrics will be used).  The desired replica count is calculated multiplying the ratio between the target value and the current value by the current number of pods.  Ergo, metrics used must decrease as the pod count is increased, and vice-versa.  See the individual metric source types for more information about how each type of metric must respond. If not set, the default metric will be set to 80% average CPU utilization.',
      cell: ({ spec, status }) => targetsCell(spec.metrics ?? [], status?.currentMetrics ?? []),
    },
    {
      name: 'MinPods',
      type: 'string',
      description:
        'minReplicas is the lower limit for the number of replicas to which the autoscaler can scale down.  It defaults to 1 pod.  minReplicas is allowed to be 0 if the alpha feature gate HPAScaleToZero is enabled and at least one Object or External metric is configured.  Scaling is active as long as at least one metric value is available.',
      cell: ({ spec }) => (spec.minReplicas === undefined ? '<unset>' : String(spec.minReplicas)),
    },
    {
      name: 'MaxPods',
      type: 'string',
      description:
        'maxReplicas is the upper limit for the number of replicas to which the autoscaler can scale up. It cannot be less that minReplicas.',
      cell: ({ spec }) => spec.maxReplicas,
    },
    {
      name: 'Replicas',
      type: 'string',
      description:
        'currentReplicas is current number of replicas of pods managed by this autoscaler, as last seen by the autoscaler.',
      cell: ({ status }) => status?.currentReplicas ?? 0,
    },
    ageColumn,
  ],
};
