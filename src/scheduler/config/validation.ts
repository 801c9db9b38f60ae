// Judges a configuration, in upstream's words and order.
import { FieldErrors, type FieldPath, goQuote, path } from '../../api/meta/field-errors.ts';
import { qualifiedNameProblems } from '../../api/meta/names.ts';
import { parseDuration } from '../../schema/time.ts';
import { validateArgs } from './args-validation.ts';
import type { Configuration, ExtenderConfiguration, LeaderElectionConfiguration, Profile } from './types.ts';

const removedPlugins = ['AzureDiskLimits', 'CinderLimits', 'EBSLimits', 'GCEPDLimits'];
const apiVersion = 'kubescheduler.config.k8s.io/v1';

/** None: it is fine. */
export function validateConfiguration(configuration: Configuration): string[] {
  const errors = new FieldErrors();
  if (configuration.clientConnection.burst < 0) {
    errors.invalid(path('clientConnection', 'burst'), configuration.clientConnection.burst, 'must be non-negative');
  }
  validateLeaderElection(configuration.leaderElection, path('leaderElection'), errors);
  if (configuration.parallelism <= 0) {
    const problem = 'should be an integer value greater than zero';
    errors.invalid(path('parallelism'), configuration.parallelism, problem);
  }
  validateProfiles(configuration.profiles, errors);
  validatePercentage(configuration.percentageOfNodesToScore, path('percentageOfNodesToScore'), errors);
  const { podInitialBackoffSeconds, podMaxBackoffSeconds } = configuration;
  if (podInitialBackoffSeconds <= 0) {
    errors.invalid(path('podInitialBackoffSeconds'), podInitialBackoffSeconds, 'must be greater than 0');
  }
  if (podMaxBackoffSeconds < podInitialBackoffSeconds) {
    const problem = 'must be greater than or equal to PodInitialBackoffSeconds';
    errors.invalid(path('podMaxBackoffSeconds'), podMaxBackoffSeconds, problem);
  }
  validateExtenders(configuration.extenders, path('extenders'), errors);
  return [...new Set(errors.list.map(({ field, body }) => `${field}: ${body}`))];
}

function validateLeaderElection(election: LeaderElectionConfiguration, at: FieldPath, errors: FieldErrors): void {
  if (!election.leaderElect) return;
  const nanos = (['leaseDuration', 'renewDeadline', 'retryPeriod'] as const).map((name) => {
    const value = durationNanos(election[name]);
    if (value <= 0n) errors.invalid(at.child(name), election[name], 'must be greater than zero');
    return value;
  });
  if (nanos[0]! <= nanos[1]!) {
    errors.invalid(at.child('leaseDuration'), election.renewDeadline, 'must be greater than `RenewDeadline`');
  }
  for (const name of ['resourceLock', 'resourceNamespace', 'resourceName'] as const) {
    if (!election[name]) errors.required(at.child(name));
  }
  if (election.resourceLock !== 'leases') {
    errors.invalid(at.child('resourceLock'), election.resourceLock, 'resourceLock value must be "leases"');
  }
}

function durationNanos(text: string): bigint {
  try {
    return parseDuration(text);
  } catch {
    return 0n;
  }
}

function validatePercentage(value: number | undefined, at: FieldPath, errors: FieldErrors): void {
  if (value !== undefined && (value < 0 || value > 100)) errors.invalid(at, value, 'not in valid range [0-100]');
}

function validateProfiles(profiles: readonly Profile[], errors: FieldErrors): void {
  const at = path('profiles');
  const seen = new Set<string>();
  profiles.forEach((profile, index) => {
    const place = at.index(index);
    if (!profile.schedulerName) errors.required(place.child('schedulerName'));
    validatePercentage(profile.percentageOfNodesToScore, place.child('percentageOfNodesToScore'), errors);
    validatePlugins(profile, place, errors);
    // Upstream prints the place of the other one as an empty object.
    if (seen.has(profile.schedulerName)) errors.duplicate(place.child('schedulerName'), {});
    seen.add(profile.schedulerName);
  });
  const [first, ...others] = profiles;
  const sorting = ({ plugins }: Profile) => JSON.stringify(plugins.queueSort ?? {});
  const count = first?.plugins.queueSort?.enabled?.length ?? 0;
  if (count > 1) {
    const place = at.index(0).child('plugins', 'queueSort', 'Enabled');
    errors.invalid(place, count, 'only one queue sort plugin can be enabled');
  }
  others.forEach((profile, index) => {
    if (sorting(profile) === sorting(first!)) return;
    const place = at.index(index + 1).child('plugins', 'queueSort');
    errors.invalid(place, profile.plugins.queueSort ?? {}, 'must be the same for all profiles');
  });
}

function validatePlugins({ plugins, pluginConfig }: Profile, at: FieldPath, errors: FieldErrors): void {
  const removed = `was invalid in version ${goQuote(apiVersion)} (KubeSchedulerConfiguration is version ${goQuote(apiVersion)})`;
  for (const [point, set] of Object.entries(plugins)) {
    if (point === 'multiPoint') continue;
    set?.enabled?.forEach(({ name }, index) => {
      const place = at.child('plugins', point, 'enabled').index(index);
      if (removedPlugins.includes(name)) errors.invalid(place, name, removed);
    });
  }
  const seen = new Set<string>();
  pluginConfig.forEach(({ name, args }, index) => {
    const place = at.child('pluginConfig').index(index);
    if (seen.has(name)) errors.duplicate(place, name);
    seen.add(name);
    if (removedPlugins.includes(name)) errors.invalid(place, name, removed);
    // Upstream judges those of this one when it makes the plugin (profile-plugins.ts).
    else if (name !== 'NodeResourcesFit') validateArgs(name, args, place.child('args'), errors);
  });
}

function validateExtenders(extenders: readonly ExtenderConfiguration[], at: FieldPath, errors: FieldErrors): void {
  const managed = new Set<string>();
  extenders.forEach(({ prioritizeVerb, weight = 0, managedResources = [] }, index) => {
    const place = at.index(index);
    if (prioritizeVerb && weight <= 0) {
      errors.invalid(place.child('weight'), weight, 'must have a positive weight applied to it');
    }
    managedResources.forEach(({ name }, position) => {
      const named = place.child('managedResources').index(position).child('name');
      validateExtendedResource(name, named, errors);
      if (managed.has(name)) errors.invalid(named, name, 'duplicate extender managed resource name');
      managed.add(name);
    });
  });
  const binders = extenders.filter(({ bindVerb }) => bindVerb).length;
  if (binders > 1) {
    errors.invalid(at, `found ${binders} extenders implementing bind`, 'only one extender can implement bind');
  }
}

/** `example.com/gpu`: of a domain that is not Kubernetes' own. */
function validateExtendedResource(name: string, at: FieldPath, errors: FieldErrors): void {
  const problems = qualifiedNameProblems(name);
  for (const problem of problems) errors.invalid(at, name, problem);
  if (problems.length > 0) return;
  const isOwn = !name.includes('/') || name.slice(0, name.indexOf('/')).endsWith('kubernetes.io');
  const isExtended = !isOwn && !name.startsWith('requests.') && qualifiedNameProblems(`requests.${name}`).length === 0;
  if (!isExtended) errors.invalid(at, name, 'is an invalid extended resource name');
}
