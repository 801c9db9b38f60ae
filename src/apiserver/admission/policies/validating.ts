// ValidatingAdmissionPolicy: rules in CEL that refuse, warn or leave a note for the audit.
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../../generated/admissionregistration-v1.ts';
import { validatingAdmissionPolicyBindingKind, validatingAdmissionPolicyKind } from '../../../../generated/kinds.ts';
import type { KubernetesObject } from '../../../api/meta/object.ts';
import { StatusError } from '../../../api/meta/status-error.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import { type Match, matchResources, type VersionedObjects, versionedObjects } from '../matching/match.ts';
import { namespaceOf } from '../matching/selectors.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { refuse } from '../refuse.ts';
import { AnnotationCollector, failureAnnotation } from './annotations.ts';
import { authorizerBindings } from './authorizer.ts';
import { isExempt } from './exempt.ts';
import { type Hook, Hooks } from './hooks.ts';
import { conditionBindings, inputsOf, policyBindings } from './inputs.ts';
import { policyNamespace } from './namespace.ts';
import { ConfigurationError, collectParams, paramResource } from './params.ts';
import { type Denial, ValidatingRules } from './validating-rules.ts';

type Policy = ValidatingAdmissionPolicy;
type Binding = ValidatingAdmissionPolicyBinding;
type PolicyHook = Hook<Policy, Binding, ValidatingRules>;

interface Refusal {
  readonly policy: Policy;
  readonly binding?: Binding;
  readonly message: string;
  readonly reason?: string;
}

const codes: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

export function validatingPolicies(authorizer: Authorizer): AdmissionPlugin {
  const hooks = new Hooks(
    validatingAdmissionPolicyKind,
    validatingAdmissionPolicyBindingKind,
    (policy) => new ValidatingRules(policy),
  );
  return {
    name: 'ValidatingAdmissionPolicy',
    validate(request, context) {
      const inForce = hooks.of(context.objects);
      if (inForce.length === 0 || isExempt(request)) return;
      return new Dispatch(request, context, authorizer).run(inForce);
    },
  };
}

/** One request before all policies. */
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
    for (const hook of hooks) await this.#ask(hook);
    const [first] = this.#refusals;
    if (first) throw this.#denied(first);
  }

  async #ask({ policy, bindings, compiled }: PolicyHook): Promise<void> {
    const match = this.#match(policy);
    if (!match) return;
    const annotations = new AnnotationCollector();
    let objects: VersionedObjects | undefined;
    for (const binding of bindings) {
      const params = this.#params(policy, binding);
      if (!params || params.length === 0) continue;
      objects ??= await versionedObjects(this.#request, match);
      const namespace = policyNamespace(this.#request, this.#context);
      for (const param of params) {
        const input = { request: this.#request, match, objects, params: param, namespace };
        const verdict = await compiled.check({
          matching: inputsOf(conditionBindings(input), this.#authorizer),
          rules: inputsOf(policyBindings(input), this.#authorizer),
        });
        for (const denial of verdict.denials) this.#act(policy, binding, denial);
        for (const { key, value, problem } of verdict.annotations) {
          if (problem === undefined) annotations.add(key, value);
          else this.#refusals.push({ policy, binding, message: problem });
        }
      }
    }
    annotations.publish(policy.metadata.name!, this.#request);
  }

  /** Undefined: the policy is not meant. */
  #match(policy: Policy): Match | undefined {
    try {
      const match = matchResources(policy.spec?.matchConstraints ?? {}, this.#request, this.#context);
      if (match && policy.spec?.paramKind) paramResource(policy.spec.paramKind, this.#context.table);
      return match;
    } catch (error) {
      this.#misconfigured(policy, undefined, error);
      return undefined;
    }
  }

  #params(policy: Policy, binding: Binding): readonly (KubernetesObject | null)[] | undefined {
    const { matchResources: narrower, paramRef } = binding.spec ?? {};
    try {
      if (narrower && !matchResources(narrower, this.#request, this.#context)) return undefined;
      return collectParams(policy.spec?.paramKind, paramRef, namespaceOf(this.#request), this.#context);
    } catch (error) {
      this.#misconfigured(policy, binding, error);
      return undefined;
    }
  }

  #misconfigured(policy: Policy, binding: Binding | undefined, error: unknown): void {
    if (!(error instanceof ConfigurationError || error instanceof StatusError)) throw error;
    if (policy.spec?.failurePolicy === 'Ignore') return;
    const what = binding ? 'binding' : 'policy';
    const message = `failed to configure ${what}: ${error.message}`;
    this.#refusals.push({ policy, ...(binding ? { binding } : {}), message });
  }

  #act(policy: Policy, binding: Binding, denial: Denial): void {
    for (const action of binding.spec?.validationActions ?? []) {
      if (action === 'Deny') this.#refusals.push({ policy, binding, ...denial });
      else if (action === 'Audit') failureAnnotation(this.#request, binding, denial);
      else if (action === 'Warn') {
        const names = `'${policy.metadata.name}' with binding '${binding.metadata.name}'`;
        this.#request.warn(`Validation failed for ValidatingAdmissionPolicy ${names}: ${denial.message}`);
      }
    }
  }

  /** A Forbidden in its words; reason and code are the policy's to choose. */
  #denied({ policy, binding, message, reason = 'Invalid' }: Refusal): StatusError {
    const by = binding ? ` with binding '${binding.metadata.name}'` : '';
    const text = `ValidatingAdmissionPolicy '${policy.metadata.name}'${by} denied request: ${message}`;
    const { status } = refuse(this.#request, text);
    return new StatusError({
      ...status,
      reason,
      code: codes[reason] ?? 422,
      details: { ...status.details, causes: [{ message: text }] },
    });
  }
}
