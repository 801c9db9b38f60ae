// What this machine cannot give a pod, or does not: switches of the kernel, AppArmor.
import { readFileSync } from 'node:fs';
import type { Pod } from '../../../generated/core-v1.ts';
import type { Rejection } from './admission.ts';

/** Known to belong to a pod alone, and to harm no other. */
const safeSysctls = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
];

export interface HostAbilities {
  /** Names, or beginnings that end in a star. */
  readonly allowedUnsafeSysctls: readonly string[];
  readonly hasAppArmor: boolean;
}

export function hostAbilities(allowedUnsafeSysctls: readonly string[]): HostAbilities {
  return { allowedUnsafeSysctls, hasAppArmor: hasAppArmor() };
}

function hasAppArmor(): boolean {
  try {
    return readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y');
  } catch {
    return false; // the kernel has none
  }
}

export function hostRejectionOf(pod: Pod, host: HostAbilities): Rejection | undefined {
  for (const { name } of pod.spec.securityContext?.sysctls ?? []) {
    const problem = sysctlProblem(name.replaceAll('/', '.'), pod, host.allowedUnsafeSysctls);
    if (problem) return { reason: 'SysctlForbidden', message: `forbidden sysctl: ${problem}` };
  }
  if (!host.hasAppArmor && wantsAppArmor(pod))
    return { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' };
  return undefined;
}

function sysctlProblem(name: string, { spec }: Pod, allowedUnsafe: readonly string[]): string | undefined {
  const isAllowed = [...safeSysctls, ...allowedUnsafe.map((each) => each.replaceAll('/', '.'))].some((allowed) =>
    allowed.endsWith('*') ? name.startsWith(allowed.slice(0, -1)) : name === allowed,
  );
  if (!isAllowed) return `"${name}" not allowlisted`;
  const isOfNet = name.startsWith('net.');
  if (isOfNet && spec.hostNetwork) return `"${name}" not allowed with host Net enabled`;
  if (!isOfNet && spec.hostIPC) return `"${name}" not allowed with host IPC enabled`;
  return undefined;
}

function wantsAppArmor({ spec }: Pod): boolean {
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
  const profiles = [spec, ...containers].map(({ securityContext }) => securityContext?.appArmorProfile?.type);
  return profiles.some((type) => type !== undefined && type !== 'Unconfined');
}
