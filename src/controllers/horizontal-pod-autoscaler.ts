import type { HorizontalPodAutoscaler } from '../../generated/autoscaling-v2.ts';
import { horizontalPodAutoscalerKind, podKind } from '../../generated/kinds.ts';
import { matchesSelector } from '../api/meta/labels.ts';
import { keyOf } from '../api/meta/object.ts';
import { parseLabelSelector } from '../api/meta/selectors.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { MetricsSource } from './horizontal-pod-autoscaler/metrics-source.ts';
import { type InvalidSelector, reconcileAutoscaler } from './horizontal-pod-autoscaler/reconcile-autoscaler.ts';
import { ScaleHistory } from './horizontal-pod-autoscaler/scale-history.ts';
import { type Discovered, discover } from './shared/discover.ts';

/** Each autoscaler is looked at this often; a new or changed one, too, waits for its turn. */
const periodMs = 15_000;
/** Kinds are asked for anew after this. */
const discoveryMs = 30_000;

/** Sizes what can be scaled by what it uses. */
export const horizontalPodAutoscaler: ControllerDefinition = {
  name: 'horizontalpodautoscaler',
  setup({ client, informers, clock, recorder }, queue) {
    const autoscalers = informers.informer(horizontalPodAutoscalerKind);
    const pods = informers.informer(podKind);
    const events = recorder('horizontal-pod-autoscaler');
    const metrics = new MetricsSource(client, clock);
    const histories = new Map<string, ScaleHistory>();
    const selectors = new Map<string, string>();
    let kinds: { readonly atMs: number; readonly found: Promise<Discovered> } | undefined;

    const waiting = new Set<string>();
    const later = (key: string) => {
      if (waiting.has(key)) return;
      waiting.add(key);
      queue.addAfter(key, periodMs);
    };
    autoscalers.onChange({
      added: (autoscaler) => later(keyOf(autoscaler)),
      updated: (autoscaler) => later(keyOf(autoscaler)),
      deleted(autoscaler) {
        histories.delete(keyOf(autoscaler));
        selectors.delete(keyOf(autoscaler));
      },
    });

    async function resourcesOf(apiVersion: string, kind: string) {
      const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
      if (!kinds || clock.monotonicMs() - kinds.atMs > discoveryMs)
        kinds = { atMs: clock.monotonicMs(), found: discover(client) };
      const asked = kinds;
      const { resources } = await asked.found.catch((error) => {
        if (kinds === asked) kinds = undefined;
        throw error;
      });
      const found = resources.filter((each) => each.group === group && each.kind === kind);
      if (found.length > 0) return found;
      kinds = undefined;
      throw new Error(`no matches for kind "${kind}" in group "${group}"`);
    }

    function podsOf(autoscaler: HorizontalPodAutoscaler, text: string) {
      const key = keyOf(autoscaler);
      const { namespace } = autoscaler.metadata;
      selectors.set(key, text);
      if (text === '')
        return refusal('SelectorRequired', 'selector is required', "the HPA target's scale is missing a selector");
      let selector: ReturnType<typeof parseLabelSelector>;
      try {
        selector = parseLabelSelector(text);
      } catch (error) {
        const problem = `couldn't convert selector into a corresponding internal selector object: ${(error as Error).message}`;
        return refusal('InvalidSelector', problem, problem);
      }
      const chosen = pods.list(namespace).filter((pod) => matchesSelector(selector, pod.metadata.labels));
      const rivals = [...selectors]
        .filter(([other, theirs]) => other === key || (theirs !== '' && other.startsWith(`${namespace}/`)))
        .filter(([, theirs]) => chosen.some((pod) => matchesSelector(parseLabelSelector(theirs), pod.metadata.labels)))
        .map(([other]) => other);
      if (rivals.length <= 1) return chosen;
      const problem = `pods by selector ${text} are controlled by multiple HPAs: [${rivals.join(' ')}]`;
      return { event: 'AmbiguousSelector', reason: 'AmbiguousSelector', problem, message: problem };
    }

    return {
      name: 'horizontalpodautoscaler',
      async reconcile(key) {
        waiting.delete(key);
        const autoscaler = autoscalers.find(key);
        if (!autoscaler) return;
        later(key);
        const nowMs = clock.now();
        const historyOf = (replicas: number) => {
          const history = histories.get(key) ?? new ScaleHistory(replicas, nowMs);
          histories.set(key, history);
          return history;
        };
        await reconcileAutoscaler(
          { client, recorder: events, metrics, nowMs, resourcesOf, podsOf, historyOf },
          autoscaler,
        );
      },
    };
  },
};

function refusal(event: string, problem: string, message: string): InvalidSelector {
  return { event, reason: 'InvalidSelector', problem, message };
}
