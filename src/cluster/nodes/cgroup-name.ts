/** The cgroup that all pods of a cluster are under, from the root of each hierarchy. */
export function cgroupName(name: string): string {
  return `coracle-${name}`;
}
