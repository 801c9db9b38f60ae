// Containers of pods: regular, init (among them sidecars) and ephemeral.
import type {
  Container,
  ContainerPort,
  ContainerResizePolicy,
  EphemeralContainer,
  PodSpec,
  VolumeDevice,
  VolumeMount,
} from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { dns1123LabelProblems, portNameProblems, portNumberProblems } from '../meta/names.ts';
import { hasBacksteps, validateDescendingPath } from '../meta/path-validation.ts';
import { checkSupported, requireSupported } from '../meta/supported.ts';
import { required, validateBy } from '../meta/value-validation.ts';
import { type VolumesByName, validateEnv, validateEnvFrom } from './env-validation.ts';
import { validateLifecycle, validateLivenessOrStartupProbe, validateReadinessProbe } from './probe-validation.ts';
import { validateContainerResources } from './resource-validation.ts';
import { validateContainerSecurity } from './security-validation.ts';

/** What containers are checked against. */
export interface PodContext {
  readonly spec: PodSpec;
  readonly volumes: VolumesByName;
  readonly podClaims: ReadonlySet<string>;
}

const needsPolicy = 'must specify restartPolicy when restart rules are used';
const policies = ['Always', 'Never', 'OnFailure'];

export function validateContainers(pod: PodContext, at: FieldPath, errors: FieldErrors): void {
  const containers = pod.spec.containers ?? [];
  if (containers.length === 0) {
    errors.required(at);
    return;
  }
  const names = new Set<string>();
  containers.forEach((container, index) => {
    const place = at.index(index);
    validateContainer(container, pod, place, errors);
    if (names.has(container.name)) errors.duplicate(place.child('name'), container.name);
    names.add(container.name);
    validateHooksAndProbes(container, pod, place, errors);
    validateRestartRules(container, place, errors);
  });
  validateHostPorts(containers, at, errors);
}

export function validateInitContainers(pod: PodContext, at: FieldPath, errors: FieldErrors): void {
  const names = new Set((pod.spec.containers ?? []).map(({ name }) => name));
  pod.spec.initContainers?.forEach((container, index) => {
    const place = at.index(index);
    validateContainer(container, pod, place, errors);
    if (container.restartPolicy !== undefined) validateRestartRules(container, place, errors);
    else if (container.restartPolicyRules?.length) errors.required(place.child('restartPolicy'), needsPolicy);
    if (names.has(container.name)) errors.duplicate(place.child('name'), container.name);
    else if (container.name) names.add(container.name);
    // Each runs alone; upstream tells of its ports as if it were the first.
    validateHostPorts([container], at, errors);
    if (container.restartPolicy === 'Always') validateHooksAndProbes(container, pod, place, errors);
    else {
      for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
        if (!container[field]) continue;
        errors.forbidden(place.child(field), 'may not be set for init containers without restartPolicy=Always');
      }
    }
    if (container.restartPolicy === 'Always') return;
    container.resizePolicy?.forEach(({ restartPolicy }, position) => {
      if (restartPolicy !== 'RestartContainer') return;
      const problem = "must not be set to 'RestartContainer' for non-sidecar initContainers";
      errors.invalid(place.child('resizePolicy').index(position).child('restartPolicy'), restartPolicy, problem);
    });
  });
}

const forbiddenInEphemeral = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const satisfies readonly (keyof EphemeralContainer)[];

export function validateEphemeralContainers(pod: PodContext, at: FieldPath, errors: FieldErrors): void {
  const { initContainers = [], ephemeralContainers = [] } = pod.spec;
  const containers = pod.spec.containers ?? []; // null where the client sent none
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  const targets = new Set(names);
  ephemeralContainers.forEach((container: EphemeralContainer, index) => {
    const place = at.index(index);
    validateContainer(container as Container, pod, place, errors);
    const { image } = container;
    if (image !== undefined && image !== image.trim()) {
      errors.invalid(place.child('image'), image, 'must not have leading or trailing whitespace');
    }
    if (names.has(container.name)) errors.duplicate(place.child('name'), container.name);
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !targets.has(target)) errors.notFound(place.child('targetContainerName'), target);
    for (const field of forbiddenInEphemeral) {
      const value: unknown = container[field];
      if (value === undefined || Object.keys(value as object).length === 0) {
        if (typeof value !== 'string' && !field.endsWith('Probe') && field !== 'lifecycle') continue;
        if (value === undefined) continue;
      }
      errors.forbidden(place.child(field), 'cannot be set for an Ephemeral Container');
    }
    container.volumeMounts?.forEach(({ subPath, subPathExpr }, position) => {
      const mount = place.child('volumeMounts').index(position);
      if (subPath) errors.forbidden(mount.child('subPath'), 'cannot be set for an Ephemeral Container');
      if (subPathExpr) errors.forbidden(mount.child('subPathExpr'), 'cannot be set for an Ephemeral Container');
    });
  });
}

/** What all three sorts share. */
function validateContainer(container: Container, pod: PodContext, at: FieldPath, errors: FieldErrors): void {
  if (required(container.name, at.child('name'), errors)) {
    validateBy(dns1123LabelProblems, container.name, at.child('name'), errors);
  }
  required(container.image, at.child('image'), errors);
  requireSupported(errors, at.child('terminationMessagePolicy'), container.terminationMessagePolicy, [
    'File',
    'FallbackToLogsOnError',
  ]);
  validatePorts(container.ports, at.child('ports'), errors);
  validateEnv(container, at.child('env'), errors);
  validateEnvFrom(container.envFrom, at.child('envFrom'), errors);
  validateMounts(container, pod.volumes, at.child('volumeMounts'), errors);
  validateDevices(container, pod.volumes, at.child('volumeDevices'), errors);
  const pullPolicies = ['Always', 'IfNotPresent', 'Never'];
  requireSupported(errors, at.child('imagePullPolicy'), container.imagePullPolicy, pullPolicies);
  validateContainerResources(container.resources, pod.podClaims, at.child('resources'), errors);
  validateResizePolicies(container.resizePolicy, pod.spec.restartPolicy, at.child('resizePolicy'), errors);
  const hasHostUsers = pod.spec.hostUsers !== false;
  validateContainerSecurity(container.securityContext, hasHostUsers, at.child('securityContext'), errors);
}

function validateHooksAndProbes(container: Container, pod: PodContext, at: FieldPath, errors: FieldErrors): void {
  const grace = pod.spec.terminationGracePeriodSeconds;
  validateLifecycle(container.lifecycle, grace, at.child('lifecycle'), errors);
  validateLivenessOrStartupProbe(container.livenessProbe, grace, at.child('livenessProbe'), errors);
  validateReadinessProbe(container.readinessProbe, grace, at.child('readinessProbe'), errors);
  validateLivenessOrStartupProbe(container.startupProbe, grace, at.child('startupProbe'), errors);
}

function validateRestartRules(container: Container, at: FieldPath, errors: FieldErrors): void {
  const rules = container.restartPolicyRules ?? [];
  const place = at.child('restartPolicyRules');
  if (container.restartPolicy === undefined) {
    if (rules.length === 0) return;
    errors.required(at.child('restartPolicy'), needsPolicy);
  } else checkSupported(errors, at.child('restartPolicy'), container.restartPolicy, policies);
  if (rules.length > 20) errors.tooMany(place, rules.length, 20);
  rules.forEach(({ action, exitCodes }, index) => {
    const actions = ['Restart', 'RestartAllContainers'];
    if (!actions.includes(action)) errors.notSupported(place.index(index).child('action'), action ?? '', actions);
    if (!exitCodes) {
      errors.required(place.index(index).child('exitCodes'), 'must be specified');
      return;
    }
    const codes = place.index(index).child('exitCodes');
    const { operator } = exitCodes;
    if (!['In', 'NotIn'].includes(operator))
      errors.notSupported(codes.child('operator'), operator ?? '', ['In', 'NotIn']);
    const count = exitCodes.values?.length ?? 0;
    if (count > 255) errors.tooMany(codes.child('values'), count, 255);
  });
}

function validatePorts(ports: ContainerPort[] | undefined, at: FieldPath, errors: FieldErrors): void {
  const names = new Set<string>();
  ports?.forEach(({ name, containerPort, hostPort, protocol }, index) => {
    const place = at.index(index);
    if (name && validateBy(portNameProblems, name, place.child('name'), errors)) {
      if (names.has(name)) errors.duplicate(place.child('name'), name);
      names.add(name);
    }
    if (!containerPort) errors.required(place.child('containerPort'));
    else validatePortNumber(containerPort, place.child('containerPort'), errors);
    if (hostPort) validatePortNumber(hostPort, place.child('hostPort'), errors);
    requireSupported(errors, place.child('protocol'), protocol, ['SCTP', 'TCP', 'UDP']);
  });
}

function validatePortNumber(port: number, at: FieldPath, errors: FieldErrors): void {
  for (const problem of portNumberProblems(port)) errors.invalid(at, port, problem);
}

function validateHostPorts(containers: Container[], at: FieldPath, errors: FieldErrors): void {
  const taken = new Set<string>();
  containers.forEach(({ ports }, index) => {
    ports?.forEach(({ hostPort, hostIP, protocol }, position) => {
      if (!hostPort) return;
      const key = `${protocol}/${hostIP ?? ''}/${hostPort}`;
      if (taken.has(key)) errors.duplicate(at.index(index).child('ports').index(position).child('hostPort'), key);
      taken.add(key);
    });
  });
}

function validateMounts(container: Container, volumes: VolumesByName, at: FieldPath, errors: FieldErrors): void {
  const paths = new Set<string>();
  const devices = container.volumeDevices ?? [];
  container.volumeMounts?.forEach((mount, index) => {
    const place = at.index(index);
    required(mount.name, place.child('name'), errors);
    if (!volumes.has(mount.name)) errors.notFound(place.child('name'), mount.name);
    required(mount.mountPath, place.child('mountPath'), errors);
    if (paths.has(mount.mountPath)) errors.invalid(place.child('mountPath'), mount.mountPath, 'must be unique');
    paths.add(mount.mountPath);
    if (devices.some(({ name }) => name === mount.name)) {
      errors.invalid(place.child('name'), mount.name, 'must not already exist in volumeDevices');
    }
    if (devices.some(({ devicePath }) => devicePath === mount.mountPath)) {
      errors.invalid(place.child('mountPath'), mount.mountPath, 'must not already exist as a path in volumeDevices');
    }
    validateSubPaths(mount, place, at, errors);
    validatePropagation(mount, container, at, errors);
  });
}

// Upstream names these fields without the position in the list.
function validateSubPaths(mount: VolumeMount, place: FieldPath, at: FieldPath, errors: FieldErrors): void {
  const { subPath, subPathExpr } = mount;
  if (subPath) validateDescendingPath(subPath, at.child('subPath'), errors);
  if (!subPathExpr) return;
  if (subPath) {
    errors.invalid(place.child('subPathExpr'), subPathExpr, 'subPathExpr and subPath are mutually exclusive');
  }
  validateDescendingPath(subPathExpr, at.child('subPathExpr'), errors);
}

function validatePropagation(mount: VolumeMount, container: Container, at: FieldPath, errors: FieldErrors): void {
  const { mountPropagation, recursiveReadOnly, readOnly } = mount;
  const propagations = ['Bidirectional', 'HostToContainer', 'None'];
  checkSupported(errors, at.child('mountPropagation'), mountPropagation, propagations);
  if (mountPropagation === 'Bidirectional' && !container.securityContext?.privileged) {
    errors.forbidden(
      at.child('mountPropagation'),
      'Bidirectional mount propagation is available only to privileged containers',
    );
  }
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return;
  const place = at.child('recursiveReadOnly');
  if (recursiveReadOnly !== 'Enabled' && recursiveReadOnly !== 'IfPossible') {
    errors.notSupported(place, recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible']);
    return;
  }
  if (!readOnly) errors.forbidden(place, 'may only be specified when readOnly is true');
  if (mountPropagation !== undefined && mountPropagation !== 'None') {
    errors.forbidden(place, 'may only be specified when mountPropagation is None or not specified');
  }
}

function validateDevices(container: Container, volumes: VolumesByName, at: FieldPath, errors: FieldErrors): void {
  const names = new Set<string>();
  const paths = new Set<string>();
  const mounts = container.volumeMounts ?? [];
  container.volumeDevices?.forEach(({ name, devicePath }: VolumeDevice, index) => {
    const place = at.index(index);
    const volume = volumes.get(name);
    required(name, place.child('name'), errors);
    if (names.has(name)) errors.invalid(place.child('name'), name, 'must be unique');
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral) {
      errors.invalid(
        place.child('name'),
        name,
        'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
      );
    }
    if (!volume) errors.notFound(place.child('name'), name);
    required(devicePath, place.child('devicePath'), errors);
    if (paths.has(devicePath)) errors.invalid(place.child('devicePath'), devicePath, 'must be unique');
    if (hasBacksteps(devicePath)) {
      errors.invalid(place.child('devicePath'), devicePath, "can not contain backsteps ('..')");
    } else paths.add(devicePath);
    if (mounts.some((mount) => mount.name === name)) {
      errors.invalid(place.child('name'), name, 'must not already exist in volumeMounts');
    }
    if (mounts.some(({ mountPath }) => mountPath === devicePath)) {
      errors.invalid(place.child('devicePath'), devicePath, 'must not already exist as a path in volumeMounts');
    }
    if (name) names.add(name);
  });
}

function validateResizePolicies(
  policyList: ContainerResizePolicy[] | undefined,
  podRestartPolicy: string | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const seen = new Set<string>();
  policyList?.forEach(({ resourceName, restartPolicy }, index) => {
    if (seen.has(resourceName)) errors.duplicate(at.index(index), resourceName);
    seen.add(resourceName);
    requireSupported(errors, at, resourceName, ['cpu', 'memory']);
    requireSupported(errors, at, restartPolicy, ['NotRequired', 'RestartContainer']);
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      errors.invalid(at, restartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'");
    }
  });
}
