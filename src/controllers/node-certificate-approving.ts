// Approves what agents of joined machines ask beside their own client certificate: one to serve their port with, for the
// names and addresses that their Node has, and one for the service proxy that runs with them.
import type { CertificateSigningRequest } from '../../generated/certificates-v1.ts';
import type { Node } from '../../generated/core-v1.ts';
import { certificateSigningRequestKind, nodeKind } from '../../generated/kinds.ts';
import { keyOf } from '../api/meta/object.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { hasCondition, parseRequest, type RequestedCertificate } from './certificates/certificate-request.ts';

const serving = 'kubernetes.io/kubelet-serving';
const client = 'kubernetes.io/kube-apiserver-client';
const proxy = 'system:kube-proxy';
const userPrefix = 'system:node:';

export const nodeCertificateApproving: ControllerDefinition = {
  name: 'node-certificate-approving',
  setup({ client: api, informers }, queue) {
    const requests = informers.informer(certificateSigningRequestKind);
    const nodes = informers.informer(nodeKind);
    const add = (each: CertificateSigningRequest) => {
      if (isOurs(each)) queue.add(keyOf(each));
    };
    requests.onChange({ added: add, updated: add });
    return {
      name: 'node-certificate-approving',
      async reconcile(key) {
        const request = requests.find(key);
        if (!request || !isOurs(request)) return;
        const name = request.spec.username!.slice(userPrefix.length);
        const node = nodes.find(name);
        // It may be announced in a moment.
        if (!node) throw new Error(`csr "${key}" is of node "${name}", which is not there`);
        if (!isDue(request, await parseRequest(request), node)) return;
        const message = 'Approved: a node asks for itself.';
        const condition = { type: 'Approved', status: 'True', reason: 'AutoApproved', message };
        const status = { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] };
        await api.resource(certificateSigningRequestKind).update({ ...request, status }, { subresource: 'approval' });
      },
    };
  },
};

function isOurs(request: CertificateSigningRequest): boolean {
  const { username = '', groups = [], signerName } = request.spec;
  if (![serving, client].includes(signerName) || request.status?.certificate) return false;
  if (!username.startsWith(userPrefix) || !groups.includes('system:nodes')) return false;
  return !hasCondition(request, 'Approved') && !hasCondition(request, 'Denied');
}

/** Nothing but its own names, or the one name of the proxy; whatever else is asked waits for a person. */
export function isDue({ spec }: CertificateSigningRequest, asked: RequestedCertificate, node: Node): boolean {
  const { dns, ip, email, url } = asked.names;
  const isPlain = email.length === 0 && url.length === 0;
  if (spec.signerName === client) {
    const usages = new Set<string>(spec.usages ?? []);
    usages.delete('digital signature');
    const isClient = usages.size === 1 && usages.has('client auth');
    return (
      isPlain && isClient && asked.commonName === proxy && asked.organizations.length + dns.length + ip.length === 0
    );
  }
  const usages = new Set<string>(spec.usages ?? []);
  for (const harmless of ['digital signature', 'key encipherment']) usages.delete(harmless);
  if (usages.size !== 1 || !usages.has('server auth') || dns.length + ip.length === 0) return false;
  if (!isPlain || asked.commonName !== spec.username || asked.organizations.join() !== 'system:nodes') return false;
  const known = new Set((node.status?.addresses ?? []).map(({ address }) => address));
  return dns.every((name) => name === node.metadata.name || known.has(name)) && ip.every((each) => known.has(each));
}
