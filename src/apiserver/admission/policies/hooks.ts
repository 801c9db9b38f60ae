// The policies in force: each with its bindings and, compiled when it is first needed, its expressions.
import type { KindRef, KubernetesObject } from '../../../api/meta/object.ts';
import type { ObjectReader } from '../../registry/object-reader.ts';

interface Bound extends KubernetesObject {
  spec?: { policyName?: string };
}

export interface Hook<P, B, C> {
  readonly policy: P;
  readonly bindings: readonly B[];
  readonly compiled: C;
}

const noHooks: readonly never[] = Object.freeze([]);

/**
 * What the caches of policies and bindings amount to; made anew when one of them has changed, so that a policy is in
 * force as soon as it is written. Policies nobody binds cost nothing.
 */
export class Hooks<P extends KubernetesObject, B extends Bound, C> {
  readonly #policies: KindRef<P>;
  readonly #bindings: KindRef<B>;
  readonly #compile: (policy: P) => C;
  /** By name; good for as long as uid and generation are. */
  #compiled = new Map<string, { readonly version: string; readonly compiled: C }>();
  #hooks: readonly Hook<P, B, C>[] = noHooks;
  #policiesAt = -1;
  #bindingsAt = -1;

  constructor(policies: KindRef<P>, bindings: KindRef<B>, compile: (policy: P) => C) {
    this.#policies = policies;
    this.#bindings = bindings;
    this.#compile = compile;
  }

  /** By name. */
  of(objects: ObjectReader): readonly Hook<P, B, C>[] {
    const bindingsAt = objects.changedAt(this.#bindings);
    const policiesAt = objects.changedAt(this.#policies);
    if (bindingsAt === this.#bindingsAt && policiesAt === this.#policiesAt) return this.#hooks;
    this.#bindingsAt = bindingsAt;
    this.#policiesAt = policiesAt;
    this.#hooks = this.#make(objects);
    return this.#hooks;
  }

  #make(objects: ObjectReader): readonly Hook<P, B, C>[] {
    const bindings = Map.groupBy(objects.list(this.#bindings), ({ spec }) => spec?.policyName ?? '');
    const before = this.#compiled;
    this.#compiled = new Map();
    const hooks: Hook<P, B, C>[] = [];
    for (const [name, bound] of bindings) {
      const policy = objects.find(this.#policies, '', name);
      if (!policy) continue; // comes later, or is gone already
      const version = `${policy.metadata.uid} ${policy.metadata.generation}`;
      const known = before.get(name);
      const compiled = known?.version === version ? known.compiled : this.#compile(policy);
      this.#compiled.set(name, { version, compiled });
      hooks.push({ policy, bindings: bound, compiled });
    }
    return hooks.sort((a, b) => (a.policy.metadata.name! < b.policy.metadata.name! ? -1 : 1));
  }
}
