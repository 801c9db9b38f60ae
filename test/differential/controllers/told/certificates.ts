// Requests for certificates: what approvers, signers and the API say of them.
import { certificateAlgorithm, loadX509, newCertificateKeys } from '../../../../src/base/x509.ts';
import type { Json } from '../side.ts';
import type { Step, Story } from '../stories.ts';
import { make, patch, story, wait } from './words.ts';

const kinds = ['CertificateSigningRequest'];
const x509 = await loadX509();
const { keys } = await newCertificateKeys();

async function request(name: string, ...names: { type: 'dns' | 'ip' | 'email' | 'url'; value: string }[]) {
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: certificateAlgorithm,
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
  });
  return Buffer.from(made.toString('pem')).toString('base64');
}

const person = await request('O=team, CN=jane');
const node = 'O=system:nodes, CN=system:node:n1';
const dns = { type: 'dns', value: 'n1.example' } as const;
const ip = { type: 'ip', value: '192.0.2.1' } as const;
const clientUsages = ['digital signature', 'key encipherment', 'client auth'];
const servingUsages = ['digital signature', 'server auth'];
const ask = (signer: string, body: string, spec: Json = {}, metadata: Json = {}): Step =>
  make('CertificateSigningRequest', '{ns}', {
    metadata,
    spec: {
      request: body,
      signerName: signer.includes('.') ? signer : `kubernetes.io/${signer}`,
      usages: clientUsages,
      ...spec,
    },
  });
const judge = (...conditions: Json[]): Step =>
  patch('CertificateSigningRequest', '{ns}', { status: { conditions } }, { subresource: 'approval' });
const yes = { type: 'Approved', status: 'True', reason: 'R', message: 'm' };
const no = { type: 'Denied', status: 'True', reason: 'R', message: 'm' };
const client = 'kube-apiserver-client';
const kubelet = 'kube-apiserver-client-kubelet';
const serving = 'kubelet-serving';
const tell = (title: string, ...steps: Step[]) => story(`csr/${title}`, kinds, ...steps);

export const certificateStories: readonly Story[] = [
  tell('client', ask(client, person), judge(yes)),
  tell('client, an hour', ask(client, person, { expirationSeconds: 3600 }), judge(yes)),
  tell('client, a century', ask(client, person, { expirationSeconds: 2147483647 }), judge(yes)),
  tell('client, negative time', ask(client, person, { expirationSeconds: -1 })),
  tell('client, for servers', ask(client, person, { usages: ['server auth'] }), judge(yes)),
  tell('client, without its usage', ask(client, person, { usages: ['digital signature'] }), judge(yes)),
  tell('client, only its usage', ask(client, person, { usages: ['client auth'] }), judge(yes)),
  tell('client with names', ask(client, await request('O=team, CN=jane', dns, ip)), judge(yes)),
  tell('client, nobody', ask(client, await request('')), judge(yes)),
  tell('denied', ask(client, person), judge(no), judge(no, yes)),
  tell('denied and failed', ask(client, person), judge(no, { type: 'Failed', status: 'True' })),
  tell(
    'approved is not false',
    ask(client, person),
    judge({ ...yes, status: 'False' }),
    judge({ ...yes, status: 'Odd' }),
  ),
  tell('approved twice', ask(client, person), judge(yes, yes)),
  tell('approved and taken back', ask(client, person), judge(yes), judge()),
  tell('a condition of no type', ask(client, person), judge({ type: '', status: 'True' })),
  tell('a condition of its own', ask(client, person), judge({ type: 'Mine', status: 'True' }), judge(yes)),
  tell('kubelet', ask(kubelet, await request(node), { usages: ['digital signature', 'client auth'] })),
  tell('kubelet, with a name', ask(kubelet, await request(node, dns)), judge(yes)),
  tell('kubelet, for servers', ask(kubelet, await request(node), { usages: servingUsages }), judge(yes)),
  tell('kubelet, another organization', ask(kubelet, await request('O=other, CN=system:node:n1')), judge(yes)),
  tell('kubelet, another name', ask(kubelet, await request('O=system:nodes, CN=jane')), judge(yes)),
  tell('serving', ask(serving, await request(node, dns, ip), { usages: servingUsages }), judge(yes)),
  tell('serving, for clients', ask(serving, await request(node, dns)), judge(yes)),
  tell(
    'serving, a mailbox',
    ask(serving, await request(node, dns, { type: 'email', value: 'a@example.com' }), { usages: servingUsages }),
    judge(yes),
  ),
  tell(
    'serving, an address of the web',
    ask(serving, await request(node, dns, { type: 'url', value: 'https://example.com/' }), { usages: servingUsages }),
    judge(yes),
  ),
  tell(
    'serving, two organizations',
    ask(serving, await request('O=system:nodes, O=more, CN=system:node:n1', dns), { usages: servingUsages }),
    judge(yes),
  ),
  tell(
    'a signer of another domain',
    ask('example.com/mine', person),
    judge(yes),
    patch('CertificateSigningRequest', '{ns}', { status: { certificate: 'bm9uZQ==' } }, { subresource: 'status' }),
    patch(
      'CertificateSigningRequest',
      '{ns}',
      { status: { conditions: [yes, { type: 'Failed', status: 'True', reason: 'Mine' }] } },
      { subresource: 'status' },
    ),
  ),
  tell(
    'who asks is told by the server',
    ask('example.com/mine', person, { username: 'other', uid: 'u', groups: ['g'], extra: { k: ['v'] } }),
    patch('CertificateSigningRequest', '{ns}', { spec: { username: 'more', usages: ['any'] } }),
    patch('CertificateSigningRequest', '{ns}', { metadata: { labels: { a: 'b' } } }),
  ),
  tell('a usage twice', ask('example.com/mine', person, { usages: ['any', 'any'] })),
  tell('an unknown usage', ask('example.com/mine', person, { usages: ['odd'] })),
  tell('a signer of three parts', ask('example.com/mine/more', person)),
  tell('a signer of Kubernetes nobody knows', ask('kubernetes.io/none', person), judge(yes), wait(1)),
  tell('an empty request', ask('example.com/mine', '')),
  tell(
    'a certificate from the start',
    make('CertificateSigningRequest', '{ns}', {
      spec: { request: person, signerName: 'example.com/mine', usages: clientUsages },
      status: { conditions: [yes], certificate: 'bm9uZQ==' },
    }),
  ),
];
