// What a container may do: a pure function of the pod's spec and the image, computed at every start.
import type { AppArmorProfile, Container, Pod, SeccompProfile } from '../../../generated/core-v1.ts';
import type {
  ContainerSecurityContext,
  ImageInfo,
  NamespaceOption,
  SandboxSecurityContext,
  SecurityProfile,
  UserNamespace,
} from '../runtime/runtime.ts';
import { ConfigError } from './environment.ts';

const defaultMaskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const defaultReadonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export interface SecurityDefaults {
  /** RuntimeDefault where the pod says nothing of seccomp. */
  readonly seccompDefault: boolean;
  /** Folder of Localhost profiles. */
  readonly seccompRoot: string;
}

export function namespaceOptions(pod: Pod, users?: UserNamespace): NamespaceOption {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace } = pod.spec;
  return {
    network: hostNetwork ? 'NODE' : 'POD',
    pid: hostPID ? 'NODE' : shareProcessNamespace ? 'POD' : 'CONTAINER',
    ipc: hostIPC ? 'NODE' : 'POD',
    ...(users ? { usernsOptions: users } : {}),
  };
}

export function sandboxSecurity(pod: Pod, defaults: SecurityDefaults, users?: UserNamespace): SandboxSecurityContext {
  const security = pod.spec.securityContext ?? {};
  const groups = supplementalGroups(pod);
  const isPrivileged = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].some(
    (container) => container.securityContext?.privileged,
  );
  return {
    namespaceOptions: namespaceOptions(pod, users),
    ...(security.runAsUser !== undefined ? { runAsUser: { value: security.runAsUser } } : {}),
    ...(security.runAsGroup !== undefined && security.runAsUser !== undefined
      ? { runAsGroup: { value: security.runAsGroup } }
      : {}),
    ...(groups.length ? { supplementalGroups: groups } : {}),
    ...groupsPolicy(pod),
    privileged: isPrivileged,
    // The pause container needs nothing: the default profile suits every pod.
    seccomp: seccompProfile(security.seccompProfile, { ...defaults, seccompDefault: true }),
  };
}

function groupsPolicy({ spec }: Pod): { supplementalGroupsPolicy?: 'Merge' | 'Strict' } {
  const policy = spec.securityContext?.supplementalGroupsPolicy as 'Merge' | 'Strict' | undefined;
  return policy ? { supplementalGroupsPolicy: policy } : {};
}

function supplementalGroups(pod: Pod): number[] {
  const { fsGroup, supplementalGroups: groups = [] } = pod.spec.securityContext ?? {};
  return fsGroup === undefined || groups.includes(fsGroup) ? groups : [...groups, fsGroup];
}

/** @throws ConfigError when the pod must not run as root and would. */
export function containerSecurity(
  pod: Pod,
  container: Container,
  image: ImageInfo | undefined,
  defaults: SecurityDefaults,
  users?: UserNamespace,
): ContainerSecurityContext {
  const own = container.securityContext ?? {};
  const ofPod = pod.spec.securityContext ?? {};
  const runAsUser = own.runAsUser ?? ofPod.runAsUser;
  const runAsGroup = own.runAsGroup ?? ofPod.runAsGroup;
  if (own.runAsNonRoot ?? ofPod.runAsNonRoot) verifyNonRoot(pod, container, runAsUser, image);
  const isUnmasked = own.procMount === 'Unmasked' || own.privileged;
  const groups = supplementalGroups(pod);
  const result: ContainerSecurityContext = {
    capabilities: {
      addCapabilities: own.capabilities?.add ?? [],
      dropCapabilities: own.capabilities?.drop ?? [],
    },
    privileged: own.privileged ?? false,
    namespaceOptions: namespaceOptions(pod, users),
    readonlyRootfs: own.readOnlyRootFilesystem ?? false,
    noNewPrivs: own.allowPrivilegeEscalation === false && !own.privileged,
    maskedPaths: isUnmasked ? [] : defaultMaskedPaths,
    readonlyPaths: isUnmasked ? [] : defaultReadonlyPaths,
    ...(groups.length ? { supplementalGroups: groups } : {}),
    ...groupsPolicy(pod),
    ...appArmor(own.appArmorProfile ?? ofPod.appArmorProfile),
    seccomp: own.privileged
      ? { profileType: 'Unconfined' }
      : seccompProfile(own.seccompProfile ?? ofPod.seccompProfile, defaults),
  };
  if (runAsUser !== undefined) result.runAsUser = { value: runAsUser };
  else if (image?.uid !== undefined) result.runAsUser = { value: image.uid };
  else if (image?.username) result.runAsUsername = image.username;
  if (runAsGroup !== undefined) result.runAsGroup = { value: runAsGroup };
  // A group without a user is refused by the runtime: root's then.
  if (result.runAsGroup && !result.runAsUser && !result.runAsUsername) result.runAsUser = { value: 0 };
  return result;
}

function appArmor(profile: AppArmorProfile | undefined): Pick<ContainerSecurityContext, 'apparmor'> {
  if (!profile) return {};
  const { type, localhostProfile } = profile;
  const profileType = type as SecurityProfile['profileType'];
  return { apparmor: { profileType, ...(localhostProfile ? { localhostRef: localhostProfile } : {}) } };
}

function verifyNonRoot(
  pod: Pod,
  container: Container,
  runAsUser: number | undefined,
  image: ImageInfo | undefined,
): void {
  const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${container.name})`;
  if (runAsUser === 0) throw new ConfigError(`container's runAsUser breaks non-root policy ${where}`);
  if (runAsUser !== undefined) return;
  if (image?.username && image.uid === undefined)
    throw new ConfigError(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`,
    );
  if (!image?.uid) throw new ConfigError(`container has runAsNonRoot and image will run as root ${where}`);
}

function seccompProfile(profile: SeccompProfile | undefined, defaults: SecurityDefaults): SecurityProfile {
  if (!profile) return { profileType: defaults.seccompDefault ? 'RuntimeDefault' : 'Unconfined' };
  if (profile.type === 'Localhost')
    return { profileType: 'Localhost', localhostRef: `${defaults.seccompRoot}/${profile.localhostProfile}` };
  return { profileType: profile.type as 'RuntimeDefault' | 'Unconfined' };
}
