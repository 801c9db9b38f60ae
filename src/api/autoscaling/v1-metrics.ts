// Metrics as autoscaling/v1 knows them, which is how its annotations hold what the version has no fields for.
import type {
  HorizontalPodAutoscalerBehavior,
  HPAScalingRules,
  MetricSpec,
  MetricStatus,
} from '../../../generated/autoscaling-v2.ts';
import { quantityOf } from '../meta/quantity.ts';

type Tree = Record<string, any>;

const isZero = (quantity: unknown): boolean => {
  try {
    return quantityOf(quantity as string).sign === 0;
  } catch {
    return false; // validation says what is wrong with it
  }
};

/** Fields in the order of the version; those that are undefined do not show. */
export function metricToV1(metric: MetricSpec): Tree {
  const { type, object, pods, resource, containerResource, external } = metric;
  return {
    type,
    ...(object && {
      object: {
        target: object.describedObject,
        metricName: object.metric?.name ?? '',
        targetValue: object.target?.value ?? '0',
        selector: object.metric?.selector,
        averageValue: object.target?.averageValue,
      },
    }),
    ...(pods && {
      pods: {
        metricName: pods.metric?.name ?? '',
        targetAverageValue: pods.target?.averageValue ?? '0',
        selector: pods.metric?.selector,
      },
    }),
    ...(resource && { resource: { name: resource.name, ...resourceTarget(resource.target) } }),
    ...(containerResource && {
      containerResource: {
        name: containerResource.name,
        ...resourceTarget(containerResource.target),
        container: containerResource.container,
      },
    }),
    ...(external && {
      external: {
        metricName: external.metric?.name ?? '',
        metricSelector: external.metric?.selector,
        targetValue: external.target?.value,
        targetAverageValue: external.target?.averageValue,
      },
    }),
  };
}

const resourceTarget = (target: Tree = {}): Tree => ({
  targetAverageUtilization: target['averageUtilization'],
  targetAverageValue: target['averageValue'],
});

/** What is written in an annotation may be anything; what it leaves out is left out here too. */
export function metricFromV1({ type, object, pods, resource, containerResource, external }: Tree): MetricSpec {
  return clean({
    type: type ?? '',
    containerResource: containerResource && {
      name: containerResource.name ?? '',
      target: resourceTargetFromV1(containerResource),
      container: containerResource.container ?? '',
    },
    external: external && {
      metric: { name: external.metricName ?? '', selector: external.metricSelector },
      target: {
        type: external.targetValue === undefined ? 'AverageValue' : 'Value',
        value: external.targetValue,
        averageValue: external.targetAverageValue,
      },
    },
    object: object && {
      describedObject: { kind: '', name: '', ...object.target },
      target: objectTargetFromV1(object),
      metric: { name: object.metricName ?? '', selector: object.selector },
    },
    pods: pods && {
      metric: { name: pods.metricName ?? '', selector: pods.selector },
      target: { type: 'AverageValue', averageValue: pods.targetAverageValue ?? '0' },
    },
    resource: resource && { name: resource.name ?? '', target: resourceTargetFromV1(resource) },
  }) as unknown as MetricSpec;
}

const resourceTargetFromV1 = ({ targetAverageUtilization, targetAverageValue }: Tree): Tree => ({
  type: targetAverageUtilization === undefined ? 'AverageValue' : 'Utilization',
  averageUtilization: targetAverageUtilization,
  averageValue: targetAverageValue,
});

/** The version can not leave the value out: beside an average, zero means that there is none. */
function objectTargetFromV1({ averageValue, targetValue = '0' }: Tree): Tree {
  if (averageValue === undefined) return { type: 'Value', value: targetValue };
  return { type: 'AverageValue', averageValue, value: isZero(targetValue) ? undefined : targetValue };
}

export function statusToV1(metric: MetricStatus): Tree {
  const { type, object, pods, resource, containerResource, external } = metric;
  return {
    type,
    ...(object && {
      object: {
        target: object.describedObject,
        metricName: object.metric?.name ?? '',
        currentValue: object.current?.value ?? '0',
        selector: object.metric?.selector,
        averageValue: object.current?.averageValue,
      },
    }),
    ...(pods && {
      pods: {
        metricName: pods.metric?.name ?? '',
        currentAverageValue: pods.current?.averageValue ?? '0',
        selector: pods.metric?.selector,
      },
    }),
    ...(resource && { resource: { name: resource.name, ...resourceCurrent(resource.current) } }),
    ...(containerResource && {
      containerResource: {
        name: containerResource.name,
        ...resourceCurrent(containerResource.current),
        container: containerResource.container,
      },
    }),
    ...(external && {
      external: {
        metricName: external.metric?.name ?? '',
        metricSelector: external.metric?.selector,
        currentValue: external.current?.value ?? '0',
        currentAverageValue: external.current?.averageValue,
      },
    }),
  };
}

const resourceCurrent = (current: Tree = {}): Tree => ({
  currentAverageUtilization: current['averageUtilization'],
  currentAverageValue: current['averageValue'] ?? '0',
});

export function statusFromV1({ type, object, pods, resource, containerResource, external }: Tree): MetricStatus {
  const current = ({ currentAverageUtilization, currentAverageValue = '0' }: Tree) => ({
    averageUtilization: currentAverageUtilization,
    averageValue: currentAverageValue,
  });
  return clean({
    type: type ?? '',
    containerResource: containerResource && {
      name: containerResource.name ?? '',
      current: current(containerResource),
      container: containerResource.container ?? '',
    },
    external: external && {
      metric: { name: external.metricName ?? '', selector: external.metricSelector },
      current: { value: external.currentValue ?? '0', averageValue: external.currentAverageValue },
    },
    object: object && {
      metric: { name: object.metricName ?? '', selector: object.selector },
      current: { value: object.currentValue ?? '0', averageValue: object.averageValue },
      describedObject: { kind: '', name: '', ...object.target },
    },
    pods: pods && {
      metric: { name: pods.metricName ?? '', selector: pods.selector },
      current: { averageValue: pods.currentAverageValue ?? '0' },
    },
    resource: resource && { name: resource.name ?? '', current: current(resource) },
  }) as unknown as MetricStatus;
}

const clean = (tree: Tree): Tree => JSON.parse(JSON.stringify(tree)) as Tree;

/** The annotation of the behaviour has the names of upstream's internal type, and says of all fields that are not set. */
export function behaviorToV1({ scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior): Tree {
  const rules = (of: HPAScalingRules | undefined) =>
    of
      ? {
          StabilizationWindowSeconds: of.stabilizationWindowSeconds ?? null,
          SelectPolicy: of.selectPolicy ?? null,
          Policies:
            of.policies?.map(({ type, value, periodSeconds }) => ({
              Type: type,
              Value: value,
              PeriodSeconds: periodSeconds,
            })) ?? null,
          Tolerance: of.tolerance ?? null,
        }
      : null;
  return { ScaleUp: rules(scaleUp), ScaleDown: rules(scaleDown) };
}

/** Go reads names in any case. */
export function behaviorFromV1(given: unknown): HorizontalPodAutoscalerBehavior | undefined {
  const behavior = lowered(given) as Tree;
  if (!behavior?.['scaleUp'] && !behavior?.['scaleDown']) return undefined;
  for (const rules of [behavior['scaleUp'], behavior['scaleDown']]) {
    if (rules?.policies) rules.policies = (rules.policies as unknown[]).map(lowered);
  }
  return behavior as HorizontalPodAutoscalerBehavior;
}

function lowered(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== null);
  return Object.fromEntries(
    entries.map(([key, each]) => {
      const name = `${key[0]?.toLowerCase() ?? ''}${key.slice(1)}`;
      return [name, name.startsWith('scale') ? lowered(each) : each];
    }),
  );
}
