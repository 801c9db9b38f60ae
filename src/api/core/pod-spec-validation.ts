// The pod spec, wherever it stands: in a pod or in a template.
import type {
  HostAlias,
  PodDNSConfig,
  PodReadinessGate,
  PodResourceClaim,
  PodSchedulingGate,
  PodSpec,
} from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { validateIp } from '../meta/ip-address.ts';
import { validateLabels } from '../meta/labels.ts';
import {
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  qualifiedNameProblems,
  rangeMessage,
  subdomainWithUnderscoreProblems,
} from '../meta/names.ts';
import { requireSupported } from '../meta/supported.ts';
import { validateBy } from '../meta/value-validation.ts';
import { validateAffinity, validateTolerations, validateTopologySpread } from './affinity-validation.ts';
import {
  type PodContext,
  validateContainers,
  validateEphemeralContainers,
  validateInitContainers,
} from './container-validation.ts';
import { validateEnvFiles } from './env-validation.ts';
import { validateHostProcess, validateOs } from './pod-os-validation.ts';
import { validateContainerResources, validatePodResources } from './resource-validation.ts';
import { validateHostNetworkPorts, validatePodSecurity } from './security-validation.ts';
import { validateVolumes } from './volume-validation.ts';

const maxDeadlineSeconds = 2 ** 31 - 1;
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

/** `podName`: of the pod it is of; templates have none. */
export function validatePodSpec(spec: PodSpec, at: FieldPath, errors: FieldErrors, podName?: string): void {
  if (spec.terminationGracePeriodSeconds === undefined) errors.required(at.child('terminationGracePeriodSeconds'));
  const volumes = validateVolumes(spec.volumes, at.child('volumes'), errors, podName);
  const podClaims = new Set((spec.resourceClaims ?? []).map(({ name }) => name).filter(Boolean));
  const pod: PodContext = { spec, volumes, podClaims };
  validateResourceClaims(spec.resourceClaims, at.child('resourceClaims'), errors);
  validateContainers(pod, at.child('containers'), errors);
  validateInitContainers(pod, at.child('initContainers'), errors);
  validateEphemeralContainers(pod, at.child('ephemeralContainers'), errors);
  validatePodResources(spec, podClaims, at.child('resources'), errors);
  validateHostNetworkPorts(spec, at.child('containers'), errors, podName !== undefined);
  requireSupported(errors, at.child('restartPolicy'), spec.restartPolicy, ['Always', 'OnFailure', 'Never']);
  requireSupported(errors, at.child('dnsPolicy'), spec.dnsPolicy, dnsPolicies);
  validateLabels(spec.nodeSelector, at.child('nodeSelector'), errors);
  validatePodSecurity(spec, spec.securityContext, at, errors);
  validateAffinity(spec.affinity, at.child('affinity'), errors);
  validateDns(spec.dnsConfig, spec.dnsPolicy, at.child('dnsConfig'), errors);
  validateGates(spec.readinessGates, spec.schedulingGates, at, errors);
  validateTopologySpread(spec.topologySpreadConstraints, at.child('topologySpreadConstraints'), errors);
  validateHostProcess(spec, at, errors);
  validateUserNamespace(spec, at, errors);
  if (spec.hostnameOverride !== undefined) validateHostnameOverride(spec, spec.hostnameOverride, at, errors);
  validateNames(spec, at, errors);
  validateTolerations(spec.tolerations, at.child('tolerations'), errors);
  validateHostAliases(spec.hostAliases, at.child('hostAliases'), errors);
  const { priorityClassName, runtimeClassName } = spec;
  if (priorityClassName) validateBy(dns1123SubdomainProblems, priorityClassName, at.child('priorityClassName'), errors);
  if (runtimeClassName !== undefined) {
    validateBy(dns1123SubdomainProblems, runtimeClassName, at.child('runtimeClassName'), errors);
  }
  if (spec.preemptionPolicy !== undefined) {
    const policies = ['PreemptLowerPriority', 'Never'];
    requireSupported(errors, at.child('preemptionPolicy'), spec.preemptionPolicy, policies);
  }
  // As if they were limits.
  if (spec.overhead) validateContainerResources({ limits: spec.overhead }, new Set(), at.child('overhead'), errors);
  validateOs(spec, at, errors);
  validateEnvFiles(spec, at, errors);
}

function validateNames(spec: PodSpec, at: FieldPath, errors: FieldErrors): void {
  const { serviceAccountName, nodeName, activeDeadlineSeconds: deadline, hostname, subdomain } = spec;
  if (serviceAccountName) {
    validateBy(dns1123SubdomainProblems, serviceAccountName, at.child('serviceAccountName'), errors);
  }
  if (nodeName) validateBy(dns1123SubdomainProblems, nodeName, at.child('nodeName'), errors);
  if (deadline !== undefined && (deadline < 1 || deadline > maxDeadlineSeconds)) {
    errors.invalid(at.child('activeDeadlineSeconds'), deadline, rangeMessage(1, maxDeadlineSeconds));
  }
  if (hostname) validateBy(dns1123LabelProblems, hostname, at.child('hostname'), errors);
  if (subdomain) validateBy(dns1123LabelProblems, subdomain, at.child('subdomain'), errors);
}

function validateHostnameOverride(spec: PodSpec, name: string, at: FieldPath, errors: FieldErrors): void {
  const place = at.child('hostnameOverride');
  if (spec.setHostnameAsFQDN) errors.forbidden(place, 'may not be specified when setHostnameAsFQDN is true');
  if (spec.hostNetwork) errors.forbidden(place, 'may not be specified when hostNetwork is true');
  if (name.length > 64) errors.tooLong(place, 64);
  validateBy(dns1123SubdomainProblems, name, place, errors);
}

function validateUserNamespace(spec: PodSpec, at: FieldPath, errors: FieldErrors): void {
  if (spec.hostUsers !== false) return;
  for (const [flag, shown] of [
    ['hostNetwork', 'hostNetwork'],
    ['hostPID', 'HostPID'],
    ['hostIPC', 'HostIPC'],
  ] as const) {
    if (spec[flag]) errors.forbidden(at.child(shown), 'when `hostUsers` is false');
  }
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    spec[list]?.forEach(({ volumeDevices }, index) => {
      if (!volumeDevices?.length) return;
      errors.forbidden(at.child(list).index(index).child('volumeDevices'), 'when `hostUsers` is false');
    });
  }
}

function validateResourceClaims(claims: PodResourceClaim[] | undefined, at: FieldPath, errors: FieldErrors): void {
  const names = new Set<string>();
  claims?.forEach((claim, index) => {
    const place = at.index(index);
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    if (!name) errors.required(place.child('name'));
    else if (names.has(name)) errors.duplicate(place.child('name'), name);
    else {
      validateBy(dns1123LabelProblems, name, place.child('name'), errors);
      names.add(name);
    }
    const shown = (): unknown => goForm('io.k8s.api.core.v1.PodResourceClaim', claim);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      errors.invalid(
        place,
        shown(),
        'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified',
      );
    } else if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      errors.invalid(place, shown(), 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`');
    }
    for (const field of ['resourceClaimName', 'resourceClaimTemplateName'] as const) {
      const value = claim[field];
      if (value !== undefined) validateBy(dns1123SubdomainProblems, value, place.child(field), errors);
    }
  });
}

function validateDns(
  config: PodDNSConfig | undefined,
  policy: string | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (policy === 'None') {
    if (!config) {
      errors.required(at, 'must provide `dnsConfig` when `dnsPolicy` is None');
      return;
    }
    if (!config.nameservers?.length) {
      const place = at.child('nameservers');
      errors.required(place, 'must provide at least one DNS nameserver when `dnsPolicy` is None');
      return;
    }
  }
  if (!config) return;
  const { nameservers = [], searches = [], options = [] } = config;
  if (nameservers.length > 3) {
    errors.invalid(at.child('nameservers'), nameservers, 'must not have more than 3 nameservers');
  }
  nameservers.forEach((server, index) => {
    validateIp(server, at.child('nameservers').index(index), errors);
  });
  if (searches.length > 32) errors.invalid(at.child('searches'), searches, 'must not have more than 32 search paths');
  if (searches.join(' ').length > 2048) {
    errors.invalid(
      at.child('searches'),
      searches,
      'must not have more than 2048 characters (including spaces) in the search list',
    );
  }
  searches.forEach((search, index) => {
    if (search === '.') return;
    const plain = search.endsWith('.') ? search.slice(0, -1) : search;
    validateBy(subdomainWithUnderscoreProblems, plain, at.child('searches').index(index), errors);
  });
  options.forEach(({ name }, index) => {
    if (!name) errors.required(at.child('options').index(index), 'must not be empty');
  });
}

function validateGates(
  readiness: PodReadinessGate[] | undefined,
  scheduling: PodSchedulingGate[] | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  readiness?.forEach(({ conditionType }, index) => {
    validateBy(
      qualifiedNameProblems,
      conditionType,
      at.child('readinessGates').index(index).child('conditionType'),
      errors,
    );
  });
  const names = new Set<string>();
  scheduling?.forEach(({ name }, index) => {
    const place = at.child('schedulingGates').index(index);
    validateBy(qualifiedNameProblems, name, place, errors);
    if (names.has(name)) errors.duplicate(place, name);
    names.add(name);
  });
}

function validateHostAliases(aliases: HostAlias[] | undefined, at: FieldPath, errors: FieldErrors): void {
  aliases?.forEach(({ ip, hostnames }, index) => {
    validateIp(ip ?? '', at.index(index).child('ip'), errors);
    hostnames?.forEach((name, position) => {
      validateBy(dns1123SubdomainProblems, name, at.index(index).child('hostnames').index(position), errors);
    });
  });
}
