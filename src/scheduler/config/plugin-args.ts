// Defaults of the plugins' arguments.
import type { PluginArgs, Profile, ResourceWeight } from './types.ts';

type Args = Readonly<Record<string, any>>;

const cpuAndMemory: readonly ResourceWeight[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

const weighted = (resources: readonly Partial<ResourceWeight>[] | undefined): ResourceWeight[] =>
  (resources?.length ? resources : cpuAndMemory).map(({ name = '', weight }) => ({ name, weight: weight || 1 }));

const defaults: Readonly<Record<string, (args: Args) => Args>> = {
  DefaultPreemption: (args) => ({ minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100, ...args }),
  DynamicResources: (args) => ({ filterTimeout: '10s', bindingTimeout: '10m0s', ...args }),
  InterPodAffinity: (args) => ({ hardPodAffinityWeight: 1, ...args }),
  NodeAffinity: (args) => args,
  NodeResourcesBalancedAllocation: (args) => ({ ...args, resources: weighted(args['resources']) }),
  NodeResourcesFit(args) {
    const strategy = args['scoringStrategy'] ?? { type: 'LeastAllocated' };
    return { ...args, scoringStrategy: { ...strategy, resources: weighted(strategy.resources) } };
  },
  PodTopologySpread: (args) => ({ ...args, defaultingType: args['defaultingType'] || 'System' }),
  VolumeBinding: (args) => ({ bindTimeoutSeconds: 600, ...args }),
};

/** Of a plugin without arguments: as they are. */
export function withArgDefaults(name: string, args: Args): Args {
  return Object.hasOwn(defaults, name) ? defaults[name]!(args) : args;
}

/** What a profile gives to one of its plugins. */
export function argsOf<Name extends keyof PluginArgs>(profile: Profile, name: Name): PluginArgs[Name] {
  const given = profile.pluginConfig.find((each) => each.name === name);
  return (given?.args ?? withArgDefaults(name, {})) as PluginArgs[Name];
}
