// Lists of CPUs as the kernel writes them: `0-3,8`.

const maxCpu = 8191;

/** In ascending order. @throws for a text that is no such list. */
export function parseCpuSet(text: string): number[] {
  const cpus = new Set<number>();
  if (text.trim() === '') return [];
  for (const part of text.trim().split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last < first || last > maxCpu) throw new Error(`invalid list of CPUs ${JSON.stringify(text)}`);
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
  }
  return [...cpus].sort((a, b) => a - b);
}

export function formatCpuSet(cpus: Iterable<number>): string {
  const ranges: [number, number][] = [];
  for (const cpu of [...cpus].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && cpu === last[1] + 1) last[1] = cpu;
    else ranges.push([cpu, cpu]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

export const cpuCount = (text: string): number => parseCpuSet(text).length;
