// Certificate signing requests: who asked is recorded, who approves and signs needs a right on the signer, and nobody gets
// a certificate into system:masters.
import type { CertificateSigningRequest } from '../../../../generated/certificates-v1.ts';
import { certificateSigningRequestKind } from '../../../../generated/kinds.ts';
import type { UserInfo } from '../../authn/authenticator.ts';
import { groups } from '../../authn/users.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { AdmissionPlugin } from '../plugin.ts';
import { isAbout, refuse } from '../refuse.ts';
import { requestSubject } from '../request-subject.ts';

/** The caller's identity is part of the request and not for the caller to write. */
export const certificateRequester: AdmissionPlugin = {
  name: 'CertificateRequester',
  admit(request) {
    if (!isAbout(request, certificateSigningRequestKind) || request.operation !== 'CREATE') return;
    const { spec } = request.object as CertificateSigningRequest;
    const { username, uid, groups: userGroups, extra } = request.user;
    spec.username = username;
    spec.groups = [...userGroups];
    if (uid) spec.uid = uid;
    else delete spec.uid;
    if (extra) spec.extra = Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]));
    else delete spec.extra;
  },
};

export function certificateApproval(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    async validate(request) {
      if (!isAbout(request, certificateSigningRequestKind, 'approval') || request.operation !== 'UPDATE') return;
      const { signerName } = (request.oldObject as CertificateSigningRequest).spec;
      if (await mayUseSigner(authorizer, request.user, 'approve', signerName)) return;
      throw refuse(request, `user not permitted to approve requests with signerName "${signerName}"`);
    },
  };
}

export function certificateSigning(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    async validate(request) {
      if (!isAbout(request, certificateSigningRequestKind, 'status') || request.operation !== 'UPDATE') return;
      const [next, current] = [
        request.object as CertificateSigningRequest,
        request.oldObject as CertificateSigningRequest,
      ];
      const isSame = next.status?.certificate === current.status?.certificate && sameFailures(next, current);
      if (isSame || (await mayUseSigner(authorizer, request.user, 'sign', current.spec.signerName))) return;
      throw refuse(request, `user not permitted to sign requests with signerName "${current.spec.signerName}"`);
    },
  };
}

function sameFailures(next: CertificateSigningRequest, current: CertificateSigningRequest): boolean {
  const of = ({ status }: CertificateSigningRequest) =>
    JSON.stringify((status?.conditions ?? []).filter(({ type }) => type === 'Failed'));
  return of(next) === of(current);
}

/** Signers are addressed by name or by domain: `example.com/*`. */
async function mayUseSigner(
  authorizer: Authorizer,
  user: UserInfo,
  verb: string,
  signerName: string,
): Promise<boolean> {
  const [domain] = signerName.split('/');
  for (const name of [signerName, `${domain}/*`]) {
    const { verdict } = await authorizer.authorize({
      user,
      verb,
      isResource: true,
      group: 'certificates.k8s.io',
      version: '*',
      resource: 'signers',
      subresource: '',
      namespace: '',
      name,
      path: '',
    });
    if (verdict === 'allow') return true;
  }
  return false;
}

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  async validate(request) {
    if (!isAbout(request, certificateSigningRequestKind) || request.operation !== 'CREATE') return;
    const { signerName, request: pem } = (request.object as CertificateSigningRequest).spec;
    if (signerName !== 'kubernetes.io/kube-apiserver-client') return;
    if ((await requestSubject(request, pem)).organizations.includes(groups.masters)) {
      throw refuse(
        request,
        'use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
      );
    }
  },
};
