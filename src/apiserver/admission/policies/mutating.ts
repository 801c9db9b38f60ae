// MutatingAdmissionPolicy: changes made by CEL expressions, before mutating webhooks.
import { isDeepStrictEqual } from 'node:util';
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
} from '../../../../generated/admissionregistration-v1.ts';
import { mutatingAdmissionPolicyBindingKind, mutatingAdmissionPolicyKind } from '../../../../generated/kinds.ts';
import type { KubernetesObject } from '../../../api/meta/object.ts';
import { StatusError } from '../../../api/meta/status-error.ts';
import { mergeTypeOf } from '../../../schema/merge-type.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import { mergeType } from '../../managed-fields/versioned.ts';
import { type Match, matchResources, versionedObjects } from '../matching/match.ts';
import { namespaceOf } from '../matching/selectors.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { refuse } from '../refuse.ts';
import { Reinvocations } from '../webhooks/reinvocations.ts';
import { MutationError } from './apply-configuration.ts';
import { authorizerBindings } from './authorizer.ts';
import { isExempt } from './exempt.ts';
import { type Hook, Hooks } from './hooks.ts';
import { conditionBindings, inputsOf, type PolicyInput, policyBindings } from './inputs.ts';
import { type MutatedKind, MutatingRules } from './mutating-rules.ts';
import { policyNamespace } from './namespace.ts';
import { ConfigurationError, collectParams, paramResource } from './params.ts';

const pluginName = 'MutatingAdmissionPolicy';

type Policy = MutatingAdmissionPolicy;
type Binding = MutatingAdmissionPolicyBinding;
type PolicyHook = Hook<Policy, Binding, MutatingRules>;

interface Invocation {
  readonly policy: Policy;
  readonly binding: Binding;
  readonly rules: MutatingRules;
  readonly match: Match;
  readonly params: KubernetesObject | null;
}

interface Refusal {
  readonly message: string;
  readonly reason?: string;
}

export function mutatingPolicies(authorizer: Authorizer): AdmissionPlugin {
  const hooks = new Hooks(
    mutatingAdmissionPolicyKind,
    mutatingAdmissionPolicyBindingKind,
    (policy) => new MutatingRules(policy),
  );
  return {
    name: pluginName,
    admit(request, context) {
      const inForce = hooks.of(context.objects);
      if (inForce.length === 0 || request.operation === 'DELETE' || isExempt(request)) return;
      return new Dispatch(request, context, authorizer).run(inForce);
    },
  };
}

class Dispatch {
  readonly #request: AdmissionRequest;
  readonly #context: AdmissionContext;
  readonly #authorizer: ReturnType<typeof authorizerBindings>;
  readonly #refusals: Refusal[] = [];

  constructor(request: AdmissionRequest, context: AdmissionContext, authorizer: Authorizer) {
    this.#request = request;
    this.#context = context;
    this.#authorizer = authorizerBindings(authorizer, request);
  }

  async run(hooks: readonly PolicyHook[]): Promise<void> {
    const invocations = hooks.flatMap((hook) => this.#invocationsOf(hook));
    if (invocations.length > 0) await this.#invokeAll(invocations);
    if (this.#refusals.length > 0) throw this.#denied();
  }

  /** Who is asked is decided before anything is changed. */
  #invocationsOf({ policy, bindings, compiled }: PolicyHook): Invocation[] {
    const match = this.#try(policy, undefined, () => {
      const found = matchResources(policy.spec?.matchConstraints ?? {}, this.#request, this.#context);
      if (found && policy.spec?.paramKind) paramResource(policy.spec.paramKind, this.#context.table);
      return found;
    });
    if (!match) return [];
    return bindings.flatMap((binding) => {
      const params = this.#try(policy, binding, () => this.#params(policy, binding));
      return (params ?? []).map((param) => ({ policy, binding, rules: compiled, match, params: param }));
    });
  }

  #params(policy: Policy, { spec }: Binding): readonly (KubernetesObject | null)[] {
    const narrower = spec?.matchResources;
    if (narrower && !matchResources(narrower, this.#request, this.#context)) return [];
    return collectParams(policy.spec?.paramKind, spec?.paramRef, namespaceOf(this.#request), this.#context);
  }

  #try<T>(policy: Policy, binding: Binding | undefined, look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      if (!(error instanceof ConfigurationError || error instanceof StatusError)) throw error;
      this.#refuse(policy, binding, `failed to configure ${binding ? 'binding' : 'policy'}: ${error.message}`);
      return undefined;
    }
  }

  #refuse({ metadata, spec }: Policy, binding: Binding | undefined, problem: string, reason?: string): void {
    if (spec?.failurePolicy === 'Ignore') return;
    const who = binding ? `'${metadata.name}' with binding '${binding.metadata.name}'` : `"${metadata.name}"`;
    this.#refusals.push({ message: `policy ${who} denied request: ${problem}`, ...(reason ? { reason } : {}) });
  }

  async #invokeAll(invocations: readonly Invocation[]): Promise<void> {
    const namespace = policyNamespace(this.#request, this.#context);
    const rounds = Reinvocations.of(this.#request, pluginName);
    for (const invocation of invocations) {
      const { match, params } = invocation;
      const objects = await versionedObjects(this.#request, match);
      await this.#invoke(invocation, { request: this.#request, match, objects, params, namespace }, rounds);
    }
    rounds.ended();
  }

  async #invoke(invocation: Invocation, input: PolicyInput, rounds: Reinvocations): Promise<void> {
    const { policy, binding, rules } = invocation;
    const matched = await rules.matches(inputsOf(conditionBindings(input), this.#authorizer));
    if (matched.problem !== undefined) this.#refuse(policy, binding, matched.problem, 'Invalid');
    const key = keyOf(invocation);
    if (!matched.matches || !rounds.isDue(key)) return;
    const before = input.objects.object;
    const after = await this.#mutateAll(invocation, input);
    if (after && before && !isDeepStrictEqual(after, before)) {
      await this.#replace(input.match, after);
      rounds.changed();
    }
    if (policy.spec?.reinvocationPolicy === 'IfNeeded') rounds.mayRunAgain(key);
  }

  /** The mutations of one policy, each on what the one before it left; one that fails is left out. */
  async #mutateAll({ policy, binding, rules }: Invocation, input: PolicyInput): Promise<KubernetesObject | undefined> {
    let { object } = input.objects;
    if (!object) return undefined;
    const kind = this.#kindOf(input.match);
    for (let index = 0; index < rules.size; index++) {
      const inputs = inputsOf(policyBindings({ ...input, objects: { ...input.objects, object } }), this.#authorizer);
      try {
        const mutated = await rules.mutate(index, object, kind, inputs);
        if (mutated !== object && !this.#request.kind) input.match.resource.defaults(mutated);
        object = mutated;
      } catch (error) {
        if (!(error instanceof MutationError)) throw error;
        this.#refuse(policy, binding, error.message, 'Invalid');
      }
    }
    return object;
  }

  #kindOf({ resource }: Match): MutatedKind {
    const { kind } = this.#request;
    if (kind) return { typeName: kind.typeName, merge: mergeTypeOf(kind.typeName) };
    return { typeName: resource.typeName, merge: mergeType(resource) };
  }

  /** The request's object becomes what the policies made of it; others hold on to the object, so it stays the same one. */
  async #replace({ resource }: Match, mutated: KubernetesObject): Promise<void> {
    const own = this.#request.object as KubernetesObject & Record<string, unknown>;
    const next = this.#request.kind ? mutated : await resource.toStorage(mutated);
    for (const key of Object.keys(own)) delete own[key];
    Object.assign(own, next);
  }

  #denied(): StatusError {
    const [first] = this.#refusals;
    const { status } = refuse(this.#request, 'admission request denied by policy');
    const causes = this.#refusals.map(({ message }) => ({ message }));
    return new StatusError({
      ...status,
      message: first!.message,
      reason: first!.reason ?? status.reason!,
      details: { ...status.details, causes },
    });
  }
}

function keyOf({ policy, binding, params }: Invocation): string {
  const { namespace = '', name = '' } = params?.metadata ?? {};
  return [policy.metadata.name, binding.metadata.name, namespace, name].join(' ');
}
