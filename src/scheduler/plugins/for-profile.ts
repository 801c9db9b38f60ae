// The plugins of one profile: which of them run, in which order, with their weights and arguments.

import { matchesTerm } from '../../api/core/node-match.ts';
import { argsOf } from '../config/plugin-args.ts';
import type { ActivePlugins } from '../config/profile-plugins.ts';
import type { PluginArgs, Profile } from '../config/types.ts';
import type { NodeView } from '../node-cache.ts';
import {
  type Filter,
  type NodeFilterPlugin,
  type NodeScorePlugin,
  normalize,
  refusedForGood,
  type Score,
} from '../plugin.ts';
import type { PodView } from '../pod-view.ts';
import { fitScore } from './fit-strategies.ts';
import { filters as defaultFilters, scores as defaultScores } from './index.ts';
import { affinityScoreWith } from './inter-pod-affinity.ts';
import { spreadFilterWith, spreadScoreWith } from './pod-topology-spread.ts';

export interface ProfilePlugins {
  readonly filters: readonly Filter[];
  readonly scores: readonly Score[];
}

/** Resources that an extender answers for are not asked of nodes. */
export function pluginsFor(profile: Profile, active: ActivePlugins, ignored: ReadonlySet<string>): ProfilePlugins {
  const filters = active.filter.flatMap(({ name }) => {
    const filter = defaultFilters.find((each) => each.name === name);
    return filter ? [configuredFilter(filter, profile, ignored)] : [];
  });
  const scores = active.score.flatMap(({ name, weight }) => {
    const score = defaultScores.find((each) => each.name === name);
    return score ? [configuredScore({ ...score, weight }, profile)] : [];
  });
  return { filters, scores };
}

function configuredFilter(filter: Filter, profile: Profile, ignored: ReadonlySet<string>): Filter {
  if (filter.name === 'NodeResourcesFit') {
    const { ignoredResources = [], ignoredResourceGroups = [] } = argsOf(profile, 'NodeResourcesFit');
    const names = new Set([...ignored, ...ignoredResources]);
    return ignoring(filter as NodeFilterPlugin, names, new Set(ignoredResourceGroups));
  }
  const { defaultingType, defaultConstraints = [] } = argsOf(profile, 'PodTopologySpread');
  if (filter.name === 'PodTopologySpread')
    return defaultingType === 'List' ? spreadFilterWith(defaultConstraints) : filter;
  const { addedAffinity } = argsOf(profile, 'NodeAffinity');
  return filter.name === 'NodeAffinity' && addedAffinity
    ? withAdded(filter as NodeFilterPlugin, addedAffinity)
    : filter;
}

function configuredScore(score: Score, profile: Profile): Score {
  if (score.name === 'NodeResourcesFit') {
    const { scoringStrategy } = argsOf(profile, 'NodeResourcesFit');
    return isDefaultStrategy(scoringStrategy) ? score : fitScore(scoringStrategy, score.weight);
  }
  if (score.name === 'InterPodAffinity') {
    const args = argsOf(profile, 'InterPodAffinity');
    const isDefault = args.hardPodAffinityWeight === 1 && !args.ignorePreferredTermsOfExistingPods;
    return isDefault ? score : affinityScoreWith(score.weight, args);
  }
  if (score.name === 'PodTopologySpread') {
    const { defaultingType, defaultConstraints = [] } = argsOf(profile, 'PodTopologySpread');
    return defaultingType === 'List' ? spreadScoreWith(score.weight, defaultConstraints) : score;
  }
  const { addedAffinity } = argsOf(profile, 'NodeAffinity');
  return score.name === 'NodeAffinity' && addedAffinity
    ? preferringAdded(score as NodeScorePlugin, addedAffinity)
    : score;
}

type FitStrategy = PluginArgs['NodeResourcesFit']['scoringStrategy'];
type Added = NonNullable<PluginArgs['NodeAffinity']['addedAffinity']>;

const isDefaultStrategy = ({ type, resources }: FitStrategy) =>
  type === 'LeastAllocated' && resources.map(({ name, weight }) => `${name}=${weight}`).join() === 'cpu=1,memory=1';

function ignoring(filter: NodeFilterPlugin, names: ReadonlySet<string>, groups: ReadonlySet<string>): Filter {
  if (names.size + groups.size === 0) return filter;
  const isCounted = (name: string) => !names.has(name) && !groups.has(name.split('/')[0]!);
  const seen = (pod: PodView): PodView => ({
    ...pod,
    requests: new Map([...pod.requests].filter(([name]) => isCounted(name))),
  });
  const { helps } = filter;
  return {
    ...filter,
    ...(helps ? { helps: (pod, change, snapshot) => helps(seen(pod), change, snapshot) } : {}),
    prepare: (pod, snapshot) => filter.prepare(seen(pod), snapshot),
  };
}

const enforced = refusedForGood("node(s) didn't match scheduler-enforced node affinity");

function withAdded(filter: NodeFilterPlugin, added: Added): Filter {
  const terms = added.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (!terms) return filter;
  const { helps: _, ...rest } = filter;
  const configured: NodeFilterPlugin = {
    ...rest,
    prepare(pod, snapshot) {
      const own = filter.prepare(pod, snapshot);
      if (own && typeof own !== 'function') return own;
      return (node) => (terms.some((term) => matchesTerm(term, node)) ? (own?.(node) ?? []) : enforced);
    },
  };
  return configured;
}

function preferringAdded(score: NodeScorePlugin, added: Added): Score {
  const preferred = added.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  if (preferred.length === 0) return score;
  const bonus = (node: NodeView) =>
    preferred.reduce((sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0), 0);
  const configured: NodeScorePlugin = {
    ...score,
    prepare(pod, snapshot) {
      const own = score.prepare(pod, snapshot);
      return { of: (node: NodeView) => (own?.of(node) ?? 0) + bonus(node), normalize };
    },
  };
  return configured;
}
