// A decision in which extenders have a say: they take nodes away, one after the other, and then rank what is left.
import type { Logger } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { Decider, Decision } from '../cycle.ts';
import type { NodeView } from '../node-cache.ts';
import { type NodeFilterPlugin, PluginError, type Refusal, type Snapshot } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';
import { Refusals, type Verdict, Verdicts } from '../refusals.ts';
import type { Extender } from './extender.ts';

/** An extender's ten are our hundred. */
const scale = 10;

/** Whatever changes, an extender may think otherwise of it. */
export const extenderFilter: NodeFilterPlugin = {
  name: 'Extender',
  wokenBy: [
    'node-added',
    'node-room',
    'node-labels',
    'node-taints',
    'node-features',
    'pod-placed',
    'pod-gone',
    'pod-labels',
    'volumes',
    'devices',
  ],
  prepare: () => undefined,
};

export interface ExtendedParts {
  readonly decider: Decider;
  readonly snapshot: Snapshot;
  /** Those that are interested in the pod. */
  readonly extenders: readonly Extender[];
  readonly random: Random;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** @throws PluginError when an extender that may not be ignored fails. */
export async function decideExtended(pod: PodView, startAt: number, parts: ExtendedParts): Promise<Decision> {
  const { decider, snapshot } = parts;
  const found = decider.find(pod, startAt);
  if ('type' in found) return found;
  const { looked } = found;
  const candidates = Array.from({ length: found.count }, (_, at) => snapshot.cache.at(found.rows[at]!)!);
  const refusals = new Map<number, Verdict>();
  const left = await filtered(pod, candidates, refusals, parts);
  if (left.length === 0) return none(pod, refusals, parts);
  const node = left.length === 1 ? left[0]! : await best(pod, left, parts);
  return { type: 'node', node, looked };
}

async function filtered(
  pod: PodView,
  candidates: readonly NodeView[],
  refusals: Map<number, Verdict>,
  { extenders, snapshot, log, signal }: ExtendedParts,
): Promise<readonly NodeView[]> {
  let left = candidates;
  for (const extender of extenders) {
    if (left.length === 0) break;
    try {
      const answer = await extender.filter(pod, left, signal);
      left = answer.nodes;
      const refuse = (name: string, refusal: Refusal) => {
        const node = snapshot.cache.find(name);
        if (node) refusals.set(node.row, { filter: extenderFilter, refusals: [refusal] });
      };
      for (const [name, reason] of Object.entries(answer.failed)) refuse(name, { reason, isFinal: false });
      for (const [name, reason] of Object.entries(answer.failedForGood)) refuse(name, { reason, isFinal: true });
    } catch (error) {
      if (!extender.config.ignorable) throw new PluginError((error as Error).message);
      log.info('extender ignored', { extender: extender.config.urlPrefix, problem: (error as Error).message });
    }
  }
  return left;
}

/** What plugins and extenders refused, together. */
function none(pod: PodView, extended: ReadonlyMap<number, Verdict>, { decider, snapshot }: ExtendedParts): Decision {
  const answers = decider.answersFor(pod);
  const verdicts = new Map<number, Verdict>(extended);
  for (const node of snapshot.nodes) {
    if (verdicts.has(node.row)) continue;
    const verdict = answers.verdictNow(pod, node);
    if (verdict.filter) verdicts.set(node.row, verdict);
  }
  const refusals = new Refusals(snapshot.cache, new Verdicts(), new Uint16Array(snapshot.cache.rows), verdicts);
  const refusedBy = [...new Set([...refusals.filters(), extenderFilter])];
  return { type: 'none', refusals, refusedBy, wokenBy: extenderFilter.wokenBy };
}

async function best(pod: PodView, nodes: readonly NodeView[], parts: ExtendedParts): Promise<NodeView> {
  const { decider, extenders, random, log, signal } = parts;
  const rows = Int32Array.from(nodes, ({ row }) => row);
  const scores = new Float64Array(nodes.length);
  decider.answersFor(pod).score(pod, rows, nodes.length, scores);
  const asked = extenders.map(async (extender) => {
    try {
      const given = await extender.prioritize(pod, nodes, signal);
      nodes.forEach(({ name }, at) => {
        scores[at]! += (given.get(name) ?? 0) * scale;
      });
    } catch (error) {
      const problem = (error as Error).message;
      log.info('extender does not prioritize', { extender: extender.config.urlPrefix, problem });
    }
  });
  await Promise.all(asked);
  let chosen = 0;
  let ties = 1;
  for (let at = 1; at < scores.length; at++) {
    if (scores[at]! > scores[chosen]!) [chosen, ties] = [at, 1];
    else if (scores[at] === scores[chosen] && random.next() < 1 / ++ties) chosen = at;
  }
  return nodes[chosen]!;
}
