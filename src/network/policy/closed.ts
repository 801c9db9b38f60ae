// What stands in for a policy that can not be carried out: it is better that too little gets through than all.
import type { Pod } from '../../../generated/core-v1.ts';
import type { NetworkPolicy } from '../../../generated/networking-v1.ts';
import type { Selector } from '../../api/meta/labels.ts';
import { keyOf } from '../../api/meta/object.ts';
import { selectorOf } from '../../api/meta/selectors.ts';
import { emptyPlan, type Plan } from '../nftables/rule-set.ts';
import { type CompiledPolicy, type Direction, policyChain } from './compile-policy.ts';
import { ownName } from './names.ts';

const both: readonly Direction[] = ['ingress', 'egress'];

/** Lets nothing through for the pods it is about, in the directions it names; in both where it names none that there is. */
export function closedPolicy(policy: NetworkPolicy): CompiledPolicy {
  const { metadata, spec } = policy;
  const key = keyOf(policy);
  const types = (spec.policyTypes ?? ['Ingress']).map((type) => type.toLowerCase());
  const named = both.filter((direction) => types.includes(direction));
  const directions = new Set(named.length > 0 ? named : both);
  return {
    key,
    namespace: metadata.namespace!,
    pods: podsOf(policy),
    directions,
    peers: [],
    ownPorts: [],
    chains: new Map([...directions].map((direction) => [policyChain(key, direction), []])),
    sets: new Map(),
  };
}

/** All of the namespace, where nobody knows which. */
function podsOf({ spec }: NetworkPolicy): Selector {
  try {
    return selectorOf(spec.podSelector ?? {})!;
  } catch {
    return [];
  }
}

/** As a pod's plan, but that nothing is let through where something is asked about. */
export function closedPod(pod: Pod, plan: Plan): Plan {
  const chains = new Map([...plan.chains.keys()].map((name) => [name, [[{ drop: null }]]]));
  const places = both.map((direction) => ownName('pod', keyOf(pod), direction));
  const elements = plan.elements.filter(({ element }) => element.target && places.includes(element.target));
  return { ...emptyPlan, chains, elements };
}
