// What v2 has for a container's own group and the runtime's settings have no field for: files, as they are written.

export interface ContainerFilesOptions {
  readonly version: 1 | 2;
  /** When memory runs out, one process is killed and not all of the container. Undefined: as each version has it by default. */
  readonly singleProcessOomKill: boolean | undefined;
  readonly hasSwapLimit: boolean;
}

/** Undefined where there are none. @throws for a choice that v1 has not */
export function containerFiles({
  version,
  singleProcessOomKill,
  hasSwapLimit,
}: ContainerFilesOptions): Readonly<Record<string, string>> | undefined {
  if (version === 2)
    return {
      ...(singleProcessOomKill ? {} : { 'memory.oom.group': '1' }),
      // A container that swaps slows down all others: none may, whatever the machine has.
      ...(hasSwapLimit ? { 'memory.swap.max': '0' } : {}),
    };
  if (singleProcessOomKill === false)
    throw new Error(
      'invalid configuration: singleProcessOOMKill must not be explicitly set to false when using cgroup v1',
    );
  return undefined;
}
