// What policies never look at.
import type { AdmissionRequest } from '../plugin.ts';

const exempt: Readonly<Record<string, ReadonlySet<string>>> = {
  // They decide about admission: nobody could mend a policy that refuses them.
  'admissionregistration.k8s.io': new Set([
    'validatingadmissionpolicies',
    'validatingadmissionpolicybindings',
    'mutatingadmissionpolicies',
    'mutatingadmissionpolicybindings',
  ]),
  // Questions that are never stored: without their answers nothing works.
  'authentication.k8s.io': new Set(['selfsubjectreviews', 'tokenreviews']),
  'authorization.k8s.io': new Set([
    'localsubjectaccessreviews',
    'selfsubjectaccessreviews',
    'selfsubjectrulesreviews',
    'subjectaccessreviews',
  ]),
};

export const isExempt = ({ resource }: AdmissionRequest): boolean =>
  exempt[resource.group]?.has(resource.plural) === true;
