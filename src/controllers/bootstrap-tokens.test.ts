// Tokens that let machines in: what they may, how cluster-info is signed with them, which certificates are approved.
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import type { CertificateSigningRequest } from '../../generated/certificates-v1.ts';
import type { Node, Secret } from '../../generated/core-v1.ts';
import { bootstrapTokenOf, isExpired, parseBootstrapToken } from '../api/core/bootstrap-token.ts';
import { signDetached } from './bootstrap-signer.ts';
import { isDue } from './node-certificate-approving.ts';

function aSecret(changes: Readonly<Record<string, string>> = {}, name = 'bootstrap-token-abcdef'): Secret {
  const data = {
    'token-id': 'abcdef',
    'token-secret': '0123456789abcdef',
    'usage-bootstrap-authentication': 'true',
    'auth-extra-groups': 'system:bootstrappers:a,system:bootstrappers:b:c',
    ...changes,
  };
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  return { metadata: { name }, type: 'bootstrap.kubernetes.io/token', data: Object.fromEntries(encoded) } as Secret;
}

test('a Secret tells its token, what it is for, and until when', () => {
  const token = bootstrapTokenOf(aSecret({ expiration: '2030-01-01T00:00:00Z' }))!;
  assert.deepEqual(token.usages, ['authentication']);
  assert.deepEqual(token.groups, ['system:bootstrappers:a', 'system:bootstrappers:b:c']);
  assert.equal(isExpired(token, Date.UTC(2029, 11, 31)), false);
  assert.equal(isExpired(token, Date.UTC(2030, 0, 1)), true);
  assert.equal(isExpired(bootstrapTokenOf(aSecret({ expiration: 'tomorrow' }))!, 1), true);
});

describe('is no bootstrap token', () => {
  for (const [name, secret] of [
    ['a Secret whose name tells another id', aSecret({}, 'bootstrap-token-other1')],
    ['one with a short secret', aSecret({ 'token-secret': 'short' })],
    ['one whose groups would make an administrator', aSecret({ 'auth-extra-groups': 'system:masters' })],
    ['one of another type', { ...aSecret(), type: 'Opaque' } as Secret],
  ] as const) {
    test(name, () => assert.equal(bootstrapTokenOf(secret), undefined));
  }
  for (const text of ['', 'abcdef', 'abcdef.0123456789abcdeF', 'abcdef.0123456789abcdef0', 'ab/def.0123456789abcdef'])
    test(JSON.stringify(text), () => assert.equal(parseBootstrapToken(text), undefined));
});

test('the signature is the one that kubeadm checks', () => {
  const content = 'Hello from the other side. I must have called a thousand times.';
  assert.equal(
    signDetached(content, 'joshua', 'my voice is my passcode'),
    'eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8',
  );
});

describe('a certificate for a joined node', () => {
  const node = {
    metadata: { name: 'far' },
    status: { addresses: [{ type: 'InternalIP', address: '198.51.100.2' }] },
  } as unknown as Node;
  const none = { dns: [], email: [], ip: [], url: [] };
  const serving = { signerName: 'kubernetes.io/kubelet-serving', username: 'system:node:far', usages: ['server auth'] };
  const client = {
    signerName: 'kubernetes.io/kube-apiserver-client',
    username: 'system:node:far',
    usages: ['client auth'],
  };
  const own = { ...none, dns: ['far'], ip: ['198.51.100.2'] };
  const nodes = ['system:nodes'];
  for (const { name, spec, commonName, organizations = [], names = none, due } of [
    {
      name: 'to serve its own name and address',
      spec: serving,
      commonName: 'system:node:far',
      organizations: nodes,
      names: own,
      due: true,
    },
    {
      name: 'to serve the address of another',
      spec: serving,
      commonName: 'system:node:far',
      organizations: nodes,
      names: { ...none, ip: ['192.0.2.2'] },
      due: false,
    },
    {
      name: 'to serve as another node',
      spec: serving,
      commonName: 'system:node:vm',
      organizations: nodes,
      names: { ...none, dns: ['far'] },
      due: false,
    },
    { name: 'to serve under no name', spec: serving, commonName: 'system:node:far', organizations: nodes, due: false },
    { name: 'to serve as nobody of the nodes', spec: serving, commonName: 'system:node:far', names: own, due: false },
    {
      name: 'to serve and to ask',
      spec: { ...serving, usages: ['server auth', 'client auth'] },
      commonName: 'system:node:far',
      organizations: nodes,
      names: own,
      due: false,
    },
    { name: 'for its proxy', spec: client, commonName: 'system:kube-proxy', due: true },
    { name: 'for an administrator', spec: client, commonName: 'admin', organizations: ['system:masters'], due: false },
    {
      name: 'for a proxy that is more',
      spec: client,
      commonName: 'system:kube-proxy',
      organizations: ['system:masters'],
      due: false,
    },
    {
      name: 'for a proxy that serves',
      spec: { ...client, usages: ['client auth', 'server auth'] },
      commonName: 'system:kube-proxy',
      due: false,
    },
  ]) {
    test(`${name} is ${due ? '' : 'not '}approved`, () => {
      const request = { spec } as unknown as CertificateSigningRequest;
      assert.equal(isDue(request, { commonName, organizations, names, der: Buffer.alloc(0) }, node), due);
    });
  }
});
