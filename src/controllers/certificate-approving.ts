import type { SubjectAccessReview } from '../../generated/authorization-v1.ts';
import type { CertificateSigningRequest } from '../../generated/certificates-v1.ts';
import { certificateSigningRequestKind, subjectAccessReviewKind } from '../../generated/kinds.ts';
import { keyOf } from '../api/meta/object.ts';
import type { Client } from '../client/client.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { hasCondition, parseRequest } from './certificates/certificate-request.ts';
import { kubeletClient, kubeletClientSigner } from './certificates/signer-rules.ts';

/** Approves what node agents ask to speak to the API server with, when who asks has the right to it. */
export const certificateApprovingController: ControllerDefinition = {
  name: 'certificatesigningrequest-approving',
  setup({ client, informers }, queue) {
    const requests = informers.informer(certificateSigningRequestKind);
    const add = (each: CertificateSigningRequest) => {
      if (isUndecided(each)) queue.add(keyOf(each));
    };
    requests.onChange({ added: add, updated: add });
    return {
      name: 'certificatesigningrequest-approving',
      async reconcile(key) {
        const request = requests.find(key);
        if (!request || !isUndecided(request)) return;
        const asked = await parseRequest(request);
        if (kubeletClient(asked, request.spec.usages ?? [])) return;
        const isSelf = request.spec.username === asked.commonName;
        const rights = [...(isSelf ? [selfNodeClient] : []), nodeClient];
        for (const { subresource, message } of rights) {
          if (!(await isAllowed(client, request, subresource))) continue;
          const condition = { type: 'Approved', status: 'True', reason: 'AutoApproved', message };
          const status = { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] };
          await client
            .resource(certificateSigningRequestKind)
            .update({ ...request, status }, { subresource: 'approval' });
          return;
        }
        // The right may be given later.
        const tried = rights.map(({ subresource }) => subresource).join(' ');
        throw new Error(`recognized csr "${key}" as [${tried}] but subject access review was not approved`);
      },
    };
  },
};

const selfNodeClient = {
  subresource: 'selfnodeclient',
  message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
};
const nodeClient = {
  subresource: 'nodeclient',
  message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
};

function isUndecided(request: CertificateSigningRequest): boolean {
  if (request.spec.signerName !== kubeletClientSigner || request.status?.certificate) return false;
  return !hasCondition(request, 'Approved') && !hasCondition(request, 'Denied');
}

async function isAllowed(client: Client, { spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
  const { username: user = '', uid, groups, extra } = spec;
  const resourceAttributes = {
    group: 'certificates.k8s.io',
    resource: 'certificatesigningrequests',
    verb: 'create',
    subresource,
    version: '*',
  };
  const review = {
    metadata: {},
    spec: {
      user,
      ...(uid ? { uid } : {}),
      ...(groups ? { groups } : {}),
      ...(extra ? { extra } : {}),
      resourceAttributes,
    },
  } as unknown as SubjectAccessReview;
  return (await client.resource(subjectAccessReviewKind).create(review)).status?.allowed === true;
}
