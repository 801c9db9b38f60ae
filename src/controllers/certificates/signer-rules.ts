// What each built-in signer signs. A text says why not; it ends up in the request's condition `Failed`.
import type { RequestedCertificate } from './certificate-request.ts';

export type SignerRule = (request: RequestedCertificate, usages: readonly string[]) => string | undefined;

export const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';

/** Elliptic keys encipher no keys: that usage may be missing. */
function usagesProblem(usages: readonly string[], auth: string): string | undefined {
  const wanted = ['digital signature', 'key encipherment', auth].sort();
  const given = new Set([...usages, 'key encipherment']);
  const isRight = given.size === wanted.length && wanted.every((usage) => given.has(usage));
  return isRight ? undefined : `usages did not match [${wanted.join(' ')}]`;
}

const isNodes = ({ organizations }: RequestedCertificate) =>
  organizations.length === 1 && organizations[0] === 'system:nodes';
const notNodes = 'subject organization is not system:nodes';

function nodeNameProblem({ commonName }: RequestedCertificate): string | undefined {
  return commonName.startsWith('system:node:') ? undefined : 'subject common name does not begin with system:node:';
}

const notAllowed = (kind: string) => `${kind} subjectAltNames are not allowed`;

export const kubeletServing: SignerRule = (request, usages) => {
  const { dns, ip, email, url } = request.names;
  if (!isNodes(request)) return notNodes;
  if (dns.length === 0 && ip.length === 0) return 'DNS or IP subjectAltName is required';
  if (email.length > 0) return notAllowed('Email');
  if (url.length > 0) return notAllowed('URI');
  return usagesProblem(usages, 'server auth') ?? nodeNameProblem(request);
};

export const kubeletClient: SignerRule = (request, usages) => {
  const { dns, ip, email, url } = request.names;
  if (!isNodes(request)) return notNodes;
  if (dns.length > 0) return notAllowed('DNS');
  if (email.length > 0) return notAllowed('Email');
  if (ip.length > 0) return notAllowed('IP');
  if (url.length > 0) return notAllowed('URI');
  return usagesProblem(usages, 'client auth') ?? nodeNameProblem(request);
};

const apiServerClient: SignerRule = (_, usages) => {
  const wrong = usages.find((usage) => !['digital signature', 'key encipherment', 'client auth'].includes(usage));
  if (wrong !== undefined) return `invalid usage for client certificate: ${wrong}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
};

export const signerRules: Readonly<Record<string, SignerRule>> = {
  'kubernetes.io/kubelet-serving': kubeletServing,
  [kubeletClientSigner]: kubeletClient,
  'kubernetes.io/kube-apiserver-client': apiServerClient,
  'kubernetes.io/legacy-unknown': () => undefined,
};
