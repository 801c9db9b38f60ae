import type {
  HorizontalPodAutoscaler,
  HPAScalingRules,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
} from '../../../generated/autoscaling-v2.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { dns1123LabelProblems, pathSegmentProblems } from '../meta/names.ts';
import { quantityOf } from '../meta/quantity.ts';
import { validateContainerResourceName } from '../meta/resource-names.ts';
import { checkSupported } from '../meta/supported.ts';

type Spec = HorizontalPodAutoscaler['spec'];

function validateReference(reference: { kind: string; name: string }, at: FieldPath, errors: FieldErrors): void {
  for (const field of ['kind', 'name'] as const) {
    const value = reference[field];
    if (!value) errors.required(at.child(field));
    else for (const problem of pathSegmentProblems(value)) errors.invalid(at.child(field), value, problem);
  }
}

/** Everything that scales but the ReplicationController is in a group. */
function validateTarget({ scaleTargetRef }: Spec, errors: FieldErrors): void {
  const at = path('spec', 'scaleTargetRef');
  validateReference(scaleTargetRef, at, errors);
  const { apiVersion = '', kind } = scaleTargetRef;
  const parts = apiVersion.split('/');
  if (parts.length > 2) {
    errors.invalid(at.child('apiVersion'), apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  } else if ((parts.length < 2 || !parts[0]) && kind !== 'ReplicationController') {
    errors.invalid(at.child('apiVersion'), apiVersion, 'apiVersion must specify API group');
  }
}

function validateMetricTarget(target: MetricTarget, at: FieldPath, errors: FieldErrors): void {
  if (!target.type) errors.required(at.child('type'), 'must specify a metric target type');
  if (!['Utilization', 'Value', 'AverageValue'].includes(target.type)) {
    errors.invalid(at.child('type'), target.type, 'must be either Utilization, Value, or AverageValue');
  }
  for (const field of ['value', 'averageValue'] as const) {
    const amount = target[field];
    if (amount !== undefined && quantityOf(amount).sign <= 0)
      errors.invalid(at.child(field), amount, 'must be positive');
  }
  const { averageUtilization } = target;
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.invalid(at.child('averageUtilization'), averageUtilization, 'must be greater than 0');
  }
}

function validateIdentifier({ name }: MetricIdentifier, at: FieldPath, errors: FieldErrors): void {
  if (!name) errors.required(at.child('name'), 'must specify a metric name');
  else for (const problem of pathSegmentProblems(name)) errors.invalid(at.child('name'), name, problem);
}

function validateResourceTarget(target: MetricTarget, at: FieldPath, errors: FieldErrors): void {
  validateMetricTarget(target, at, errors);
  const hasUtilization = target.averageUtilization !== undefined;
  const hasValue = target.averageValue !== undefined;
  if (!hasUtilization && !hasValue) {
    errors.required(at.child('averageUtilization'), 'must set either a target raw value or a target utilization');
  } else if (hasUtilization && hasValue) {
    errors.forbidden(at.child('averageValue'), 'may not set both a target raw value and a target utilization');
  }
}

/** What each source of a metric must say. */
const sourceRules: Record<string, (metric: MetricSpec, at: FieldPath, errors: FieldErrors) => void> = {
  object({ object }, at, errors) {
    validateReference(object!.describedObject, at.child('describedObject'), errors);
    validateIdentifier(object!.metric, at.child('metric'), errors);
    validateMetricTarget(object!.target, at.child('target'), errors);
    const { value, averageValue } = object!.target;
    if (value === undefined && averageValue === undefined) {
      errors.required(at.child('target', 'averageValue'), 'must set either a target value or averageValue');
    }
  },
  external({ external }, at, errors) {
    validateIdentifier(external!.metric, at.child('metric'), errors);
    validateMetricTarget(external!.target, at.child('target'), errors);
    const { value, averageValue } = external!.target;
    if (value === undefined && averageValue === undefined) {
      errors.required(
        at.child('target', 'averageValue'),
        'must set either a target value for metric or a per-pod target',
      );
    } else if (value !== undefined && averageValue !== undefined) {
      errors.forbidden(at.child('target', 'value'), 'may not set both a target value for metric and a per-pod target');
    }
  },
  pods({ pods }, at, errors) {
    validateIdentifier(pods!.metric, at.child('metric'), errors);
    validateMetricTarget(pods!.target, at.child('target'), errors);
    if (pods!.target.averageValue === undefined) {
      errors.required(at.child('target', 'averageValue'), 'must specify a positive target averageValue');
    }
  },
  resource({ resource }, at, errors) {
    if (!resource!.name) errors.required(at.child('name'), 'must specify a resource name');
    validateResourceTarget(resource!.target, at.child('target'), errors);
  },
  containerResource({ containerResource }, at, errors) {
    const { name, container } = containerResource!;
    if (!name) errors.required(at.child('name'), 'must specify a resource name');
    else validateContainerResourceName(name, at.child('name'), errors);
    if (!container) errors.required(at.child('container'), 'must specify a container');
    else
      for (const problem of dns1123LabelProblems(container)) errors.invalid(at.child('container'), container, problem);
    validateResourceTarget(containerResource!.target, at.child('target'), errors);
  },
};

const sourceTypes = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];

function validateMetric(metric: MetricSpec, at: FieldPath, errors: FieldErrors): void {
  if (!metric.type) errors.required(at.child('type'), 'must specify a metric source type');
  checkSupported(errors, at.child('type'), metric.type, sourceTypes);
  const present = Object.keys(sourceRules).filter((field) => metric[field as keyof MetricSpec] !== undefined);
  if (present[0]) sourceRules[present[0]]!(metric, at.child(present[0]), errors);
  if (!sourceTypes.includes(metric.type)) {
    // Upstream looks twice and says so twice.
    errors.notSupported(at.child('type'), metric.type, sourceTypes);
  }
  const expected = `${metric.type[0]?.toLowerCase() ?? ''}${metric.type.slice(1)}`;
  if (sourceTypes.includes(metric.type) && !present.includes(expected)) {
    errors.required(at.child(expected), 'must populate information for the given metric source');
  }
  for (const field of present.length > 1 ? present : []) {
    if (field !== expected) errors.forbidden(at.child(field), 'must populate the given metric source only');
  }
}

function validateRules(rules: HPAScalingRules, at: FieldPath, errors: FieldErrors): void {
  const { stabilizationWindowSeconds: window, selectPolicy, tolerance, policies = [] } = rules;
  const windowPath = at.child('stabilizationWindowSeconds');
  if (window !== undefined && window < 0) errors.invalid(windowPath, window, 'must be greater than or equal to zero');
  if (window !== undefined && window > 3600) errors.invalid(windowPath, window, 'must be less than or equal to 3600');
  checkSupported(errors, at.child('selectPolicy'), selectPolicy, ['Disabled', 'Max', 'Min']);
  if (!policies.length) errors.required(at.child('policies'), 'must specify at least one Policy');
  policies.forEach(({ type, value, periodSeconds }, index) => {
    const place = at.child('policies').index(index);
    checkSupported(errors, place.child('type'), type, ['Percent', 'Pods']);
    if (value <= 0) errors.invalid(place.child('value'), value, 'must be greater than zero');
    if (periodSeconds <= 0) errors.invalid(place.child('periodSeconds'), periodSeconds, 'must be greater than zero');
    if (periodSeconds > 1800)
      errors.invalid(place.child('periodSeconds'), periodSeconds, 'must be less than or equal to 1800');
  });
  if (tolerance !== undefined && quantityOf(tolerance).sign < 0) {
    errors.invalid(at.child('tolerance'), tolerance, 'must be greater than or equal to 0');
  }
}

export function validateAutoscaler(spec: Spec, errors: FieldErrors): void {
  const { minReplicas, maxReplicas, metrics = [], behavior } = spec;
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.invalid(path('spec', 'minReplicas'), minReplicas, 'must be greater than or equal to 1');
  }
  if (maxReplicas === 0) errors.required(path('spec', 'maxReplicas'), 'must be set and greater than 0');
  else if (maxReplicas < 0) {
    errors.invalid(path('spec', 'maxReplicas'), maxReplicas, 'must be greater than or equal to 1');
  }
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.invalid(path('spec', 'maxReplicas'), maxReplicas, 'must be greater than or equal to `minReplicas`');
  }
  validateTarget(spec, errors);
  metrics.forEach((metric, index) => {
    validateMetric(metric, path('spec', 'metrics').index(index), errors);
  });
  if (minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
    const problem = 'must specify at least one Object or External metric to support scaling to zero replicas';
    errors.forbidden(path('spec', 'metrics'), problem);
  }
  for (const field of ['scaleUp', 'scaleDown'] as const) {
    if (behavior?.[field]) validateRules(behavior[field], path('spec', 'behavior', field), errors);
  }
}
