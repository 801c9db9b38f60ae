// Where a group lies, by the driver that the runtime keeps groups with. systemd's are slices: each name holds those of all
// above it, with dashes between, so that a dash in a name of ours becomes an underscore.
import type { CgroupDriver } from '../runtime/runtime.ts';

/** `['coracle-a', 'kubepods', 'pod1-2']` to its path below a hierarchy's root; empty parts are left out. */
export function groupPath(driver: CgroupDriver, parts: readonly string[]): string {
  const names = parts.flatMap((part) => part.split('/')).filter(Boolean);
  if (driver === 'cgroupfs') return names.join('/');
  const escaped = names.map((name) => name.replaceAll('-', '_'));
  return escaped.map((_, index) => `${escaped.slice(0, index + 1).join('-')}.slice`).join('/');
}

/** Of a pod's group, by the last part of its path; undefined for other groups. */
export function podUidOf(driver: CgroupDriver, name: string): string | undefined {
  if (driver === 'cgroupfs') return name.startsWith('pod') ? name.slice(3) : undefined;
  return /-pod([^-]+)\.slice$/.exec(name)?.[1]?.replaceAll('_', '-');
}
