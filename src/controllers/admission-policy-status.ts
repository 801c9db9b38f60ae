import { validatingAdmissionPolicyKind } from '../../generated/kinds.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';

const fieldManager = 'validatingadmissionpolicy-status';

/** Says in the status of validating admission policies which of their expressions do not fit the kinds they are for. */
export const admissionPolicyStatusController: ControllerDefinition = {
  name: 'validatingadmissionpolicy-status',
  setup({ client, informers }, queue) {
    const policies = informers.informer(validatingAdmissionPolicyKind);
    const look = ({ metadata }: { metadata: { name?: string } }) => queue.add(metadata.name!);
    policies.onChange({ added: look, updated: look });
    return {
      name: fieldManager,
      workers: 1,
      async reconcile(key, signal) {
        const policy = policies.find(key);
        const generation = policy?.metadata.generation ?? 0;
        if (!policy || generation <= (policy.status?.observedGeneration ?? 0)) return;
        // Most clusters have no policies: the expression language is loaded with the first one.
        const { typeCheck } = await import('./admission-policy-status/type-check.ts');
        const { ServedKinds } = await import('./admission-policy-status/served-kinds.ts');
        const warnings = await typeCheck(policy, new ServedKinds(client, signal));
        const typeChecking = warnings.length > 0 ? { expressionWarnings: warnings } : {};
        const status = {
          apiVersion: 'admissionregistration.k8s.io/v1',
          kind: 'ValidatingAdmissionPolicy',
          metadata: { name: key },
          status: { observedGeneration: generation, typeChecking },
        };
        const options = { type: 'apply', subresource: 'status', fieldManager, force: true, signal } as const;
        await client.resource(validatingAdmissionPolicyKind).patch({ namespace: '', name: key }, status, options);
      },
    };
  },
};
