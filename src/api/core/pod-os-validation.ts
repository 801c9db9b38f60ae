// What a pod may say depends on the operating system it is for.
import type { Container, PodSecurityContext, PodSpec, SecurityContext } from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { requireSupported } from '../meta/supported.ts';

const onWindows = 'cannot be set for a windows pod';
const podFieldsOfLinux: readonly (keyof PodSecurityContext)[] = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
];
const containerFieldsOfLinux: readonly (keyof SecurityContext)[] = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
];

export function validateOs(spec: PodSpec, at: FieldPath, errors: FieldErrors): void {
  if (!spec.os) return;
  if (!spec.os.name) {
    errors.required(at.child('os', 'name'));
    return;
  }
  requireSupported(errors, at.child('os'), spec.os.name, ['linux', 'windows']);
  if (spec.os.name === 'linux') validateLinux(spec, at, errors);
  if (spec.os.name === 'windows') validateWindows(spec, at, errors);
}

function eachContainer(spec: PodSpec, at: FieldPath, visit: (container: Container, at: FieldPath) => void): void {
  for (const list of ['containers', 'initContainers', 'ephemeralContainers'] as const) {
    (spec[list] as Container[] | undefined)?.forEach((container, index) => {
      visit(container, at.child(list).index(index));
    });
  }
}

function validateLinux(spec: PodSpec, at: FieldPath, errors: FieldErrors): void {
  const message = 'windows options cannot be set for a linux pod';
  if (spec.securityContext?.windowsOptions) errors.forbidden(at.child('securityContext', 'windowsOptions'), message);
  eachContainer(spec, at, ({ securityContext }, place) => {
    if (securityContext?.windowsOptions) errors.forbidden(place.child('securityContext', 'windowsOptions'), message);
  });
}

function validateWindows(spec: PodSpec, at: FieldPath, errors: FieldErrors): void {
  const context = spec.securityContext ?? {};
  if (spec.hostUsers !== undefined) errors.forbidden(at.child('hostUsers'), onWindows);
  if (spec.hostPID) errors.forbidden(at.child('hostPID'), onWindows);
  if (spec.hostIPC) errors.forbidden(at.child('hostIPC'), onWindows);
  for (const field of podFieldsOfLinux) {
    if (context[field] !== undefined) errors.forbidden(at.child('securityContext', field), onWindows);
    if (field === 'sysctls' && spec.shareProcessNamespace !== undefined) {
      errors.forbidden(at.child('shareProcessNamespace'), onWindows);
    }
  }
  eachContainer(spec, at, ({ securityContext }, place) => {
    for (const field of containerFieldsOfLinux) {
      if (securityContext?.[field] !== undefined) errors.forbidden(place.child('securityContext', field), onWindows);
    }
  });
}

/** Host processes of Windows: all containers or none, and on the node's network. */
export function validateHostProcess(spec: PodSpec, at: FieldPath, errors: FieldErrors): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  const flags: boolean[] = [];
  eachContainer(spec, at, ({ securityContext }, place) => {
    const own = securityContext?.windowsOptions?.hostProcess;
    if (ofPod !== undefined && own !== undefined && own !== ofPod) {
      const message = `pod hostProcess value must be identical if both are specified, was ${ofPod}`;
      errors.invalid(place.child('securityContext', 'windowsOptions', 'hostProcess'), own, message);
    }
    flags.push(own ?? ofPod ?? false);
  });
  if (!flags.includes(true)) return;
  if (flags.includes(false)) {
    errors.invalid(
      at,
      '',
      'If pod contains any hostProcess containers then all containers must be HostProcess containers',
    );
  }
  if (!spec.hostNetwork) {
    errors.invalid(
      at.child('hostNetwork'),
      false,
      'hostNetwork must be true if pod contains any hostProcess containers',
    );
  }
}
