// Holds the pods of this node to the NetworkPolicies about them. Pods and namespaces are followed from the first policy on:
// a cluster without any pays for one watch.
import type { Namespace, Pod } from '../../../generated/core-v1.ts';
import { namespaceKind, networkPolicyKind, podKind } from '../../../generated/kinds.ts';
import type { NetworkPolicy } from '../../../generated/networking-v1.ts';
import { isFinished } from '../../api/core/pod-phase.ts';
import { keyOf } from '../../api/meta/object.ts';
import type { Clock } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import type { Logger } from '../../base/log.ts';
import type { EventRecorder } from '../../reconcile/controller.ts';
import type { Informer, InformerFactory } from '../../reconcile/informer.ts';
import { familyOf, type IpFamily } from '../addresses.ts';
import { KeptTable } from '../nftables/kept-table.ts';
import type { Nft } from '../nftables/nft.ts';
import { emptyPlan, type Plan } from '../nftables/rule-set.ts';
import { planPolicyBase } from './base-rules.ts';
import { closedPod, closedPolicy } from './closed.ts';
import { type CompiledPolicy, compilePolicy, namesOf, type Peers } from './compile-policy.ts';
import { addressesOf, isAbout, planIsolation, planPeer } from './plan-pod.ts';

export interface NetworkPoliciesOptions {
  readonly table: string;
  /** Families of the pods' addresses; default IPv4 alone. */
  readonly families?: readonly IpFamily[];
  readonly nodeName: string;
  readonly informers: InformerFactory;
  /** Where policies that can not be carried out are told of; default: the log alone. */
  readonly recorder?: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
  readonly checkIntervalMs?: number;
  readonly nft?: Nft;
}

export interface NetworkPolicies extends Component {
  /** Settles when the rules hold every policy that was known at the start. */
  readonly ready: Promise<void>;
  /** Settles when what is about this pod, which is not in the API with these addresses yet, holds for them. */
  protect(pod: Pod, addresses: readonly string[]): Promise<void>;
}

export function createNetworkPolicies(options: NetworkPoliciesOptions): NetworkPolicies {
  const each = (options.families ?? ['IPv4']).map((family) => new FamilyPolicies(options, family));
  return {
    name: 'network-policies',
    ready: Promise.all(each.map(({ ready }) => ready)).then(() => {}),
    async run(signal) {
      await Promise.all(each.map((policies) => policies.run(signal)));
    },
    async protect(pod, addresses) {
      await Promise.all(each.map((policies) => policies.protect(pod, addresses)));
    },
  };
}

const byNode = 'policies-node';

interface EarlyPod {
  readonly pod: Pod;
  /** None: others have them by now. */
  readonly addresses: readonly string[];
}

interface Followed {
  readonly pods: Informer<Pod>;
  readonly namespaces: Informer<Namespace>;
}

/** The policies as they are about packets of one family, in a table of its own. */
class FamilyPolicies implements NetworkPolicies {
  readonly name: string;
  readonly #family: IpFamily;
  readonly #options: NetworkPoliciesOptions;
  readonly #table: KeptTable;
  readonly #policies = new Map<string, CompiledPolicy>();
  readonly #byNamespace = new Map<string, Map<string, CompiledPolicy>>();
  /** Pods of this node whose addresses the API does not know yet. */
  readonly #early = new Map<string, EarlyPod>();
  /** Owners of plans that the kernel does not take as they are. */
  readonly #refused = new Set<string>();
  #followed: Followed | undefined;

  constructor(options: NetworkPoliciesOptions, family: IpFamily) {
    const { table, informers, clock, log, checkIntervalMs, nft } = options;
    this.#options = options;
    this.#family = family;
    this.name = `policies of ${family}`;
    this.#table = new KeptTable({
      name: this.name,
      table,
      family: namesOf(family).packets,
      base: () => planPolicyBase(table, family),
      plan: (owner) => this.#plan(owner),
      isFoundation: (owner) => owner.startsWith('policy '),
      onRefused: (owner) => this.#onRefused(owner),
      synced: async (signal) => {
        await informers.waitForSync(signal);
        // The policies of the first list have asked for pods and namespaces.
        await informers.waitForSync(signal);
      },
      clock,
      log,
      checkIntervalMs,
      nft,
    });
    const changed = (policy: NetworkPolicy) => this.#put(keyOf(policy), policy);
    informers.informer(networkPolicyKind).onChange({
      added: changed,
      updated: changed,
      deleted: (policy) => this.#put(keyOf(policy), undefined),
    });
  }

  get ready(): Promise<void> {
    return this.#table.ready;
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#table.run(signal);
  }

  async protect(pod: Pod, given: readonly string[]): Promise<void> {
    const addresses = given.filter((address) => familyOf(address) === this.#family);
    await this.ready;
    if (this.#policies.size === 0 || pod.spec.hostNetwork) return;
    const key = keyOf(pod);
    const owners = [`pod ${key}`, ...this.#forgetFormer(key, addresses)];
    this.#early.set(key, { pod, addresses });
    await this.#table.applied(...owners);
  }

  /** Who had these addresses before has lost them, whether the API says so yet or not. */
  #forgetFormer(key: string, addresses: readonly string[]): string[] {
    const former = this.#ofThisNode().filter(
      (other) => keyOf(other) !== key && this.#addressesOf(other).some((address) => addresses.includes(address)),
    );
    for (const pod of former) this.#early.set(keyOf(pod), { pod, addresses: [] });
    return former.flatMap((pod) => [`pod ${keyOf(pod)}`, `peer ${keyOf(pod)}`]);
  }

  #put(key: string, policy: NetworkPolicy | undefined): void {
    this.#replace(key, policy && this.#compile(policy));
  }

  #replace(key: string, after: CompiledPolicy | undefined): void {
    const before = this.#policies.get(key);
    const namespace = key.split('/')[0]!;
    const ofNamespace = this.#byNamespace.get(namespace) ?? new Map<string, CompiledPolicy>();
    if (after) {
      this.#policies.set(key, after);
      ofNamespace.set(key, after);
      this.#byNamespace.set(namespace, ofNamespace);
      this.#follow();
    } else {
      this.#policies.delete(key);
      ofNamespace.delete(key);
      if (ofNamespace.size === 0) this.#byNamespace.delete(namespace);
    }
    this.#tryAgain(`policy ${key}`, ...this.#touchedBy([before, after].filter((each) => each !== undefined)));
  }

  #compile(policy: NetworkPolicy): CompiledPolicy {
    try {
      return compilePolicy(policy, this.#family);
    } catch (error) {
      return this.#closed(policy, (error as Error).message);
    }
  }

  #tryAgain(...owners: readonly string[]): void {
    for (const owner of owners) this.#refused.delete(owner);
    this.#table.lookAt(...owners);
  }

  /** A policy, or a pod, lets nothing through then: without its rules, all would be. Who is not in a set is let in nowhere. */
  #onRefused(owner: string): boolean {
    if (this.#refused.has(owner)) return false;
    const [what, key] = owner.split(' ') as [string, string];
    const policy = this.#options.informers.informer(networkPolicyKind).find(key);
    if (what === 'peer' || (what === 'policy' && !policy)) return false;
    if (policy) this.#replace(key, this.#closed(policy, 'the kernel does not take its rules'));
    this.#refused.add(owner);
    return true;
  }

  #closed(policy: NetworkPolicy, problem: string): CompiledPolicy {
    const { log, recorder } = this.#options;
    const closed = closedPolicy(policy);
    log.warn('a policy can not be carried out', { policy: keyOf(policy), problem, family: this.#family });
    const which = [...closed.directions].join(' and ');
    const message = `${problem}: of the pods it selects, ${which} is let through only by other policies`;
    const about = { ...policy, apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' };
    recorder?.event(about, 'Warning', 'PolicyNotEnforceable', message);
    return closed;
  }

  /** Pods that the policies are about, and those in their sets. */
  #touchedBy(policies: readonly CompiledPolicy[]): string[] {
    if (!this.#followed) return [];
    const about = [...this.#ofThisNode(), ...this.#earlyPods()].filter((pod) =>
      policies.some((policy) => isAbout(policy, pod)),
    );
    const peers = policies.flatMap((policy) => policy.peers);
    if (peers.length === 0) return about.map((pod) => `pod ${keyOf(pod)}`);
    const everywhere = peers.some(({ namespaces }) => namespaces !== undefined);
    const others = everywhere
      ? this.#followed.pods.list()
      : [...new Set(policies.map(({ namespace }) => namespace))].flatMap((name) => this.#followed!.pods.list(name));
    return [...about.map((pod) => `pod ${keyOf(pod)}`), ...others.map((pod) => `peer ${keyOf(pod)}`)];
  }

  #follow(): void {
    if (this.#followed) return;
    const { informers, nodeName } = this.#options;
    const pods = informers.informer(podKind);
    const namespaces = informers.informer(namespaceKind);
    pods.addIndex(byNode, ({ spec }) => (spec.nodeName ? [spec.nodeName] : []));
    this.#followed = { pods, namespaces };
    const look = (pod: Pod) => {
      const key = keyOf(pod);
      if (this.#isKnown(pod, this.#early.get(key))) this.#early.delete(key);
      this.#tryAgain(`peer ${key}`, ...(pod.spec.nodeName === nodeName ? [`pod ${key}`] : []));
    };
    pods.onChange({
      added: look,
      updated: (next, previous) => {
        if (!this.#isSamePeer(next, previous)) look(next);
      },
      deleted: (pod) => {
        this.#early.delete(keyOf(pod));
        look(pod);
      },
    });
    const ofNamespace = ({ metadata }: Namespace) =>
      this.#table.lookAt(...pods.list(metadata.name).map((pod) => `peer ${keyOf(pod)}`));
    namespaces.onChange({
      added: ofNamespace,
      updated: (next, previous) => {
        if (!hasSameLabels(next, previous)) ofNamespace(next);
      },
    });
  }

  #addressesOf(pod: Pod): string[] {
    return addressesOf(pod, this.#family);
  }

  #ofThisNode(): readonly Pod[] {
    return this.#followed?.pods.byIndex(byNode, this.#options.nodeName) ?? [];
  }

  #earlyPods(): Pod[] {
    return [...this.#early.values()].map(({ pod }) => pod);
  }

  #plan(owner: string): Plan {
    const [what, key] = owner.split(' ') as [string, string];
    if (what === 'policy') {
      const policy = this.#policies.get(key);
      return policy ? { chains: policy.chains, sets: policy.sets, elements: [], udp: [] } : emptyPlan;
    }
    const early = this.#early.get(key);
    const pod = this.#followed?.pods.find(key) ?? early?.pod;
    if (!pod) return emptyPlan;
    const addresses = early?.addresses ?? this.#addressesOf(pod);
    if (addresses.length === 0) return emptyPlan;
    const namespace = pod.metadata.namespace!;
    if (what === 'pod') {
      const plan = planIsolation(pod, addresses, [...(this.#byNamespace.get(namespace)?.values() ?? [])]);
      return this.#refused.has(owner) ? closedPod(pod, plan) : plan;
    }
    return planPeer(pod, addresses, this.#followed?.namespaces.find(namespace)?.metadata.labels, this.#allPeers());
  }

  *#allPeers(): Iterable<Peers> {
    for (const policy of this.#policies.values()) yield* policy.peers;
  }

  /** From here on the API says what the pod's addresses are. */
  #isKnown(pod: Pod, early: EarlyPod | undefined): boolean {
    if (!early || early.pod.metadata.uid !== pod.metadata.uid || isFinished(pod)) return true;
    const [address] = early.addresses;
    return address !== undefined && this.#addressesOf(pod).includes(address);
  }

  /** Nothing that a policy asks about has changed. */
  #isSamePeer(one: Pod, other: Pod): boolean {
    return (
      one.metadata.uid === other.metadata.uid &&
      isFinished(one) === isFinished(other) &&
      hasSameLabels(one, other) &&
      one.spec.nodeName === other.spec.nodeName &&
      this.#addressesOf(one).join() === this.#addressesOf(other).join()
    );
  }
}

const hasSameLabels = (one: Pod | Namespace, other: Pod | Namespace) =>
  JSON.stringify(one.metadata.labels) === JSON.stringify(other.metadata.labels);
