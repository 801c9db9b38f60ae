// The ConfigMap of the priority expander: numbers, and for each the groups that have it, as regular expressions.
import type { Logger } from '../../base/log.ts';
import type { Priorities } from './expander.ts';

export const priorityConfigMap = { namespace: 'kube-system', name: 'cluster-autoscaler-priority-expander' } as const;

export const noPriorities: Priorities = new Map();

const mostPatterns = 1000;

/** What cannot be read is as if it were not there. */
export async function readPriorities(text: string | undefined, log: Logger): Promise<Priorities> {
  if (!text) return noPriorities;
  try {
    const [{ parseYaml }, { compileRegex }] = await Promise.all([
      import('../../base/yaml.ts'),
      import('../../schema/cel/regex.ts'),
    ]);
    const compile = (pattern: unknown) => {
      const compiled = compileRegex(String(pattern));
      if (!('test' in compiled)) throw compiled;
      return compiled;
    };
    const read = parseYaml(text) as Record<string, unknown>;
    const found = new Map<number, { test(text: string): boolean }[]>();
    for (const [priority, patterns] of Object.entries(read).slice(0, mostPatterns)) {
      if (!Number.isInteger(Number(priority)) || !Array.isArray(patterns))
        throw new Error(`${priority}: no list of patterns`);
      found.set(Number(priority), patterns.slice(0, mostPatterns).map(compile));
    }
    return found;
  } catch (error) {
    log.warn('the priorities of node groups cannot be read', { problem: String(error) });
    return noPriorities;
  }
}
