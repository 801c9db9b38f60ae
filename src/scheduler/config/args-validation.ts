// Judges the arguments of plugins, in upstream's words.
import type { TopologySpreadConstraint } from '../../../generated/core-v1.ts';
import { validateNodeSelector } from '../../api/core/affinity-validation.ts';
import type { FieldErrors, FieldPath } from '../../api/meta/field-errors.ts';
import { qualifiedNameProblems } from '../../api/meta/names.ts';
import { parseDuration } from '../../schema/time.ts';
import type { PluginArgs, ResourceWeight, ShapePoint } from './types.ts';

type Judges = {
  readonly [Name in keyof PluginArgs]: (args: PluginArgs[Name], at: FieldPath, errors: FieldErrors) => void;
};

const second = 1_000_000_000n;

function labelName(name: string, at: FieldPath, errors: FieldErrors): void {
  for (const problem of qualifiedNameProblems(name)) errors.invalid(at, name, problem);
}

function range(value: number, [from, to]: readonly [number, number], at: FieldPath, errors: FieldErrors): void {
  if (value < from || value > to) errors.invalid(at, value, `not in valid range [${from}, ${to}]`);
}

function validateShape(shape: readonly ShapePoint[], at: FieldPath, errors: FieldErrors): void {
  if (shape.length === 0) {
    errors.required(at, 'at least one point must be specified');
    return;
  }
  const unsorted = shape.findIndex(
    ({ utilization }, index) => index > 0 && shape[index - 1]!.utilization >= utilization,
  );
  if (unsorted > 0) {
    const place = at.index(unsorted).child('utilization');
    errors.invalid(place, shape[unsorted]!.utilization, 'values must be sorted in increasing order');
  }
  shape.forEach(({ utilization = 0, score = 0 }, index) => {
    range(utilization, [0, 100], at.index(index).child('utilization'), errors);
    range(score, [0, 10], at.index(index).child('score'), errors);
  });
}

function validateWeights(resources: readonly ResourceWeight[], at: FieldPath, errors: FieldErrors): void {
  resources.forEach(({ name, weight }, index) => {
    if (weight > 0 && weight <= 100) return;
    errors.invalid(at.index(index).child('weight'), weight, `resource weight of ${name} not in valid range (0, 100]`);
  });
}

function validateConstraint(
  { maxSkew = 0, topologyKey, whenUnsatisfiable, labelSelector }: TopologySpreadConstraint,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (maxSkew <= 0) errors.invalid(at.child('maxSkew'), maxSkew, 'not in valid range (0, inf)');
  if (!topologyKey) errors.required(at.child('topologyKey'), 'can not be empty');
  else labelName(topologyKey, at.child('topologyKey'), errors);
  const place = at.child('whenUnsatisfiable');
  const supported = ['DoNotSchedule', 'ScheduleAnyway'];
  if (!whenUnsatisfiable) errors.required(place, 'can not be empty');
  else if (!supported.includes(whenUnsatisfiable)) errors.notSupported(place, whenUnsatisfiable, supported);
  if (labelSelector) {
    const problem = 'constraint must not define a selector, as they deduced for each pod';
    errors.forbidden(at.child('labelSelector'), problem);
  }
}

const judges: Judges = {
  DefaultPreemption({ minCandidateNodesPercentage: share, minCandidateNodesAbsolute: count }, at, errors) {
    const [shareAt, countAt] = [at.child('minCandidateNodesPercentage'), at.child('minCandidateNodesAbsolute')];
    range(share, [0, 100], shareAt, errors);
    if (count < 0) errors.invalid(countAt, count, 'not in valid range [0, inf)');
    if (share !== 0 || count !== 0) return;
    errors.invalid(shareAt, share, 'cannot be zero at the same time as minCandidateNodesAbsolute');
    errors.invalid(countAt, count, 'cannot be zero at the same time as minCandidateNodesPercentage');
  },
  DynamicResources({ filterTimeout, bindingTimeout }, at, errors) {
    if (parseDuration(filterTimeout) < 0n) {
      errors.invalid(at.child('filterTimeout'), filterTimeout, 'must be zero or positive');
    }
    if (parseDuration(bindingTimeout) < second) {
      errors.invalid(at.child('bindingTimeout'), bindingTimeout, 'must be at least 1 second');
    }
  },
  InterPodAffinity: ({ hardPodAffinityWeight }, at, errors) =>
    range(hardPodAffinityWeight, [0, 100], at.child('hardPodAffinityWeight'), errors),
  NodeAffinity({ addedAffinity }, at, errors) {
    const required = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    const place = at.child('addedAffinity', 'requiredDuringSchedulingIgnoredDuringExecution');
    if (required) validateNodeSelector(required, place, errors);
  },
  NodeResourcesBalancedAllocation({ resources }, at, errors) {
    const seen = new Set<string>();
    resources.forEach(({ name, weight }, index) => {
      const place = at.child('resources').index(index);
      if (seen.has(name)) errors.duplicate(place.child('name'), name);
      seen.add(name);
      if (weight !== 1) errors.invalid(place.child('weight'), weight, 'must be 1');
    });
  },
  NodeResourcesFit({ ignoredResources = [], ignoredResourceGroups = [], scoringStrategy }, at, errors) {
    ignoredResources.forEach((name, index) => {
      labelName(name, at.child('ignoredResources').index(index), errors);
    });
    ignoredResourceGroups.forEach((group, index) => {
      const place = at.child('ignoredResourceGroups').index(index);
      if (group.includes('/')) errors.invalid(place, group, "resource group name can't contain '/'");
      labelName(group, place, errors);
    });
    const place = at.child('scoringStrategy');
    const supported = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'];
    const { type, resources, requestedToCapacityRatio: ratio } = scoringStrategy;
    if (!supported.includes(type)) errors.notSupported(place.child('type'), type, supported);
    validateWeights(resources, place.child('resources'), errors);
    const ratioAt = place.child('requestedToCapacityRatio');
    if (type === 'RequestedToCapacityRatio') {
      if (!ratio) errors.required(ratioAt, 'must be specified when type is RequestedToCapacityRatio');
      else validateShape(ratio.shape ?? [], ratioAt.child('shape'), errors);
    } else if (ratio) errors.forbidden(ratioAt, 'must be nil when type is not RequestedToCapacityRatio');
  },
  PodTopologySpread({ defaultingType, defaultConstraints = [] }, at, errors) {
    const typeAt = at.child('defaultingType');
    if (defaultingType !== 'System' && defaultingType !== 'List') {
      errors.notSupported(typeAt, defaultingType, ['System', 'List']);
    } else if (defaultingType === 'System' && defaultConstraints.length > 0) {
      errors.invalid(typeAt, defaultingType, 'when .defaultConstraints are not empty');
    }
    const seen = new Set<string>();
    defaultConstraints.forEach((constraint, index) => {
      const place = at.child('defaultConstraints').index(index);
      validateConstraint(constraint, place, errors);
      const key = `{${constraint.topologyKey}, ${constraint.whenUnsatisfiable}}`;
      if (seen.has(key)) errors.duplicate(place, key);
      seen.add(key);
    });
  },
  VolumeBinding(args, at, errors) {
    const { bindTimeoutSeconds } = args;
    if (bindTimeoutSeconds < 0) {
      const problem = 'invalid BindTimeoutSeconds, should not be a negative value';
      errors.invalid(at.child('bindTimeoutSeconds'), bindTimeoutSeconds, problem);
    }
    if ('shape' in args && args.shape) {
      const problem = 'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring';
      errors.invalid(at.child('shape'), args.shape, problem);
    }
  },
};

/** Plugins without arguments have nothing to be judged. */
export function validateArgs(name: string, args: unknown, at: FieldPath, errors: FieldErrors): void {
  if (!Object.hasOwn(judges, name)) return;
  (judges as Record<string, (args: unknown, at: FieldPath, errors: FieldErrors) => void>)[name]!(args, at, errors);
}
