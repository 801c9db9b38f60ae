// Security contexts of pods and containers.
import type {
  AppArmorProfile,
  PodSecurityContext,
  PodSpec,
  SeccompProfile,
  SecurityContext,
  Sysctl,
  WindowsSecurityContextOptions,
} from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { dns1123SubdomainProblems, rangeMessage } from '../meta/names.ts';
import { validateDescendingPath } from '../meta/path-validation.ts';
import { checkSupported, requireSupported } from '../meta/supported.ts';
import { validateBy } from '../meta/value-validation.ts';

const maxId = 2 ** 31 - 1;

function validateId(id: number | undefined, at: FieldPath, errors: FieldErrors): void {
  if (id !== undefined && (id < 0 || id > maxId)) errors.invalid(at, id, rangeMessage(0, maxId));
}

/** `hasHostUsers`: the pod shares the user namespace of the node. */
export function validateContainerSecurity(
  context: SecurityContext | undefined,
  hasHostUsers: boolean,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (!context) return;
  validateId(context.runAsUser, at.child('runAsUser'), errors);
  validateId(context.runAsGroup, at.child('runAsGroup'), errors);
  if (context.procMount !== undefined) {
    checkSupported(errors, at.child('procMount'), context.procMount, ['Default', 'Unmasked']);
    if (hasHostUsers && context.procMount === 'Unmasked') {
      errors.invalid(at.child('procMount'), context.procMount, '`hostUsers` must be false to use `Unmasked`');
    }
  }
  validateSeccomp(context.seccompProfile, at.child('seccompProfile'), errors);
  if (context.allowPrivilegeEscalation === false) {
    const refuse = (why: string): void =>
      errors.invalid(
        at,
        goForm('io.k8s.api.core.v1.SecurityContext', context),
        `cannot set \`allowPrivilegeEscalation\` to false and ${why}`,
      );
    if (context.privileged) refuse('`privileged` to true');
    for (const capability of context.capabilities?.add ?? []) {
      if (capability === 'CAP_SYS_ADMIN') refuse('`capabilities.Add` CAP_SYS_ADMIN');
    }
  }
  validateWindowsOptions(context.windowsOptions, at.child('windowsOptions'), errors);
  validateAppArmor(context.appArmorProfile, at.child('appArmorProfile'), errors);
}

export function validatePodSecurity(
  spec: PodSpec,
  context: PodSecurityContext | undefined,
  specAt: FieldPath,
  errors: FieldErrors,
): void {
  const at = specAt.child('securityContext');
  if (spec.shareProcessNamespace && spec.hostPID) {
    errors.invalid(at.child('shareProcessNamespace'), true, 'ShareProcessNamespace and HostPID cannot both be enabled');
  }
  if (!context) return;
  validateId(context.fsGroup, at.child('fsGroup'), errors);
  validateId(context.runAsUser, at.child('runAsUser'), errors);
  validateId(context.runAsGroup, at.child('runAsGroup'), errors);
  context.supplementalGroups?.forEach((group, index) => {
    validateId(group, at.child('supplementalGroups').index(index), errors);
  });
  validateSysctls(context.sysctls, spec, at.child('sysctls'), errors);
  checkSupported(errors, at.child('fsGroupChangePolicy'), context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']);
  validateSeccomp(context.seccompProfile, at.child('seccompProfile'), errors);
  validateWindowsOptions(context.windowsOptions, at.child('windowsOptions'), errors);
  validateAppArmor(context.appArmorProfile, at.child('appArmorProfile'), errors);
  checkSupported(errors, at.child('supplementalGroupsPolicy'), context.supplementalGroupsPolicy, ['Merge', 'Strict']);
  checkSupported(errors, at.child('seLinuxChangePolicy'), context.seLinuxChangePolicy, ['Recursive']);
}

/** Templates may leave them out: pods made from them get them by default. */
export function validateHostNetworkPorts(spec: PodSpec, at: FieldPath, errors: FieldErrors, isPod: boolean): void {
  if (!spec.hostNetwork) return;
  spec.containers?.forEach(({ ports }, index) => {
    ports?.forEach(({ hostPort, containerPort }, position) => {
      if ((hostPort ?? 0) === containerPort || (!isPod && !hostPort)) return;
      const place = at.index(index).child('ports').index(position).child('hostPort');
      errors.invalid(place, hostPort ?? 0, 'must match `containerPort` when `hostNetwork` is true');
    });
  });
}

const sysctlText = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
const sysctlShape = new RegExp(sysctlText);
const ipcSysctl = /^(kernel[./](shm|msg)|kernel[./]sem$|fs[./]mqueue[./])/;

function validateSysctls(sysctls: Sysctl[] | undefined, spec: PodSpec, at: FieldPath, errors: FieldErrors): void {
  const seen = new Set<string>();
  sysctls?.forEach(({ name }, index) => {
    const place = at.index(index).child('name');
    if (!name) errors.required(place);
    else if (name.length > 253 || !sysctlShape.test(name)) {
      errors.invalid(place, name, `must have at most 253 characters and match regex ${sysctlText}`);
    } else if (seen.has(name)) errors.duplicate(place, name);
    if (spec.hostIPC && ipcSysctl.test(name)) {
      errors.invalid(place, name, "may not be specified when 'hostIPC' is true");
    }
    if (spec.hostNetwork && /^net[./]/.test(name)) {
      errors.invalid(place, name, "may not be specified when 'hostNetwork' is true");
    }
    seen.add(name);
  });
}

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined'];

function validateSeccomp(profile: SeccompProfile | undefined, at: FieldPath, errors: FieldErrors): void {
  if (!profile) return;
  requireSupported(errors, at.child('type'), profile.type, profileTypes, 'type is required when seccompProfile is set');
  const place = at.child('localhostProfile');
  if (profile.type === 'Localhost') {
    if (profile.localhostProfile === undefined) errors.required(place, 'must be set when seccomp type is Localhost');
    else validateDescendingPath(profile.localhostProfile, place, errors);
  } else if (profile.localhostProfile !== undefined) {
    const shown = goForm('io.k8s.api.core.v1.SeccompProfile', profile);
    errors.invalid(place, shown, 'can only be set when seccomp type is Localhost');
  }
}

function validateAppArmor(profile: AppArmorProfile | undefined, at: FieldPath, errors: FieldErrors): void {
  if (!profile) return;
  const { type, localhostProfile } = profile;
  requireSupported(errors, at.child('type'), type, profileTypes, 'type is required when appArmorProfile is set');
  const place = at.child('localhostProfile');
  if (type === 'Localhost') {
    if (!localhostProfile?.trim()) errors.required(place, 'must be set when AppArmor type is Localhost');
    else if (localhostProfile.trim() !== localhostProfile) {
      errors.invalid(place, localhostProfile, 'must not be padded with whitespace');
    } else if (localhostProfile.length > 4095) errors.tooLong(place, 4095);
  } else if (localhostProfile !== undefined && profileTypes.includes(type)) {
    errors.invalid(place, localhostProfile, 'can only be set when AppArmor type is Localhost');
  }
}

function validateWindowsOptions(
  options: WindowsSecurityContextOptions | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (!options) return;
  const { gmsaCredentialSpecName, gmsaCredentialSpec, runAsUserName } = options;
  if (gmsaCredentialSpecName !== undefined) {
    validateBy(dns1123SubdomainProblems, gmsaCredentialSpecName, at.child('gmsaCredentialSpecName'), errors);
  }
  if (gmsaCredentialSpec === '') {
    errors.invalid(at.child('gmsaCredentialSpec'), '', 'gmsaCredentialSpec cannot be an empty string');
  } else if (gmsaCredentialSpec !== undefined && gmsaCredentialSpec.length > 65536) {
    errors.invalid(at.child('gmsaCredentialSpec'), gmsaCredentialSpec, 'gmsaCredentialSpec size must be under 64 KiB');
  }
  if (runAsUserName !== undefined) validateWindowsUser(runAsUserName, at.child('runAsUserName'), errors);
}

function validateWindowsUser(name: string, at: FieldPath, errors: FieldErrors): void {
  const refuse = (problem: string): void => errors.invalid(at, name, problem);
  if (name === '') {
    refuse('runAsUserName cannot be an empty string');
    return;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\x00-\x1f\x7f-\x9f]/.test(name)) {
    refuse('runAsUserName cannot contain control characters');
    return;
  }
  const parts = name.split('\\');
  if (parts.length > 2) {
    refuse('runAsUserName cannot contain more than one backslash');
    return;
  }
  const user = parts.at(-1)!;
  const domain = parts.length === 2 ? parts[0]! : undefined;
  if (domain !== undefined && domain.length >= 256) {
    refuse("runAsUserName's Domain length must be under 256 characters");
  }
  if (user === '') refuse("runAsUserName's User cannot be empty");
  else if (user.length > 104) refuse("runAsUserName's User length must not be longer than 104 characters");
  if (/^[. ]+$/.test(user)) refuse("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\[\]:;|=,+*?<>@]/.test(user)) {
    refuse(`runAsUserName's User cannot contain the following characters: "/\\:;|=,+*?<>@[]`);
  }
}
