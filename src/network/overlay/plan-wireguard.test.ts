import assert from 'node:assert/strict';
import test from 'node:test';
import type { Node } from '../../../generated/core-v1.ts';
import { machineLabel, peersOf } from './plan-routes.ts';
import { planEncrypted } from './plan-wireguard.ts';
import { annotationsOf } from './wireguard-end.ts';

const keyOf = (letter: string) => `${letter.repeat(42)}A=`;

interface Facts {
  readonly address: string;
  readonly podCIDRs: readonly string[];
  readonly machine?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly since?: string;
}

const aNode = (name: string, { address, podCIDRs, machine, annotations, since }: Facts) =>
  ({
    metadata: {
      name,
      creationTimestamp: since ?? '2026-01-01T00:00:00Z',
      labels: machine ? { [machineLabel]: machine } : {},
      annotations: annotations ?? annotationsOf({ publicKey: keyOf(name[0]!), endpoint: `${address}:51820` }),
    },
    spec: { podCIDRs },
    status: { addresses: [{ type: 'InternalIP', address }] },
  }) as unknown as Node;

// Two machines with a router between them; one has a second node in a namespace.
const nodes = [
  aNode('a', { address: '192.0.2.2', podCIDRs: ['10.244.0.0/24', 'fd00:10:244::/64'] }),
  aNode('b', { address: '198.51.100.2', podCIDRs: ['10.244.1.0/24', 'fd00:10:244:1::/64'] }),
  aNode('c-in-b', { address: '10.64.0.2', podCIDRs: ['10.244.2.0/24'], machine: 'b' }),
];

function planOf(all: readonly Node[], nodeName: string, machine?: string) {
  const { peers, routes, keyless } = planEncrypted(peersOf(all, nodeName), {
    nodeName,
    machine,
    publicKey: keyOf(nodeName[0]!),
    device: 'wg',
    clusterPodCidr: '10.244.0.0/16,fd00:10:244::/56',
  });
  return {
    peers: peers.map(({ publicKey, endpoint, allowedIps }) => `${publicKey[0]} ${endpoint} ${allowedIps.join()}`),
    routes: routes.map(({ podCidr, via, device }) => `${podCidr} ${via ?? ''}${device}`),
    keyless,
  };
}

test('a node speaks with each machine for all the pods that are behind it, in both families', () => {
  assert.deepEqual(planOf(nodes, 'a'), {
    peers: ['b 198.51.100.2:51820 10.244.1.0/24,10.244.2.0/24,fd00:10:244:1::/64'],
    routes: ['10.244.1.0/24 wg', 'fd00:10:244:1::/64 wg', '10.244.2.0/24 wg'],
    keyless: [],
  });
});

test('a node in a namespace speaks with its machine alone, which leads to everybody and to the world by IPv6', () => {
  assert.deepEqual(planOf(nodes, 'c-in-b', 'b').peers, ['b 198.51.100.2:51820 10.244.0.0/24,10.244.1.0/24,::/0']);
  assert.deepEqual(planOf(nodes, 'b').peers, [
    'a 192.0.2.2:51820 10.244.0.0/24,fd00:10:244::/64',
    'c 10.64.0.2:51820 10.244.2.0/24',
  ]);
});

test('a node that tells of no key, or of none that is one, gets no packets', () => {
  const told = [
    {},
    annotationsOf({ publicKey: 'short', endpoint: '192.0.2.9:51820' }),
    annotationsOf({ publicKey: keyOf('d'), endpoint: '192.0.2.9:0' }),
    annotationsOf({ publicKey: keyOf('d'), endpoint: '--help:51820' }),
    annotationsOf({ publicKey: `${keyOf('d')}\npeer`, endpoint: '192.0.2.9:51820' }),
  ];
  for (const annotations of told) {
    const plan = planOf([aNode('d', { address: '192.0.2.9', podCIDRs: ['10.244.9.0/24'], annotations })], 'a');
    assert.deepEqual(plan, { peers: [], routes: [], keyless: ['d'] }, JSON.stringify(annotations));
  }
});

test('nobody takes packets by claiming the key of an older node, or ours', () => {
  const claim = (publicKey: string) => annotationsOf({ publicKey, endpoint: '203.0.113.6:51820' });
  const thief = { address: '203.0.113.6', podCIDRs: ['10.244.6.0/24'], since: '2026-01-02T00:00:00Z' };
  const plan = planOf([...nodes, aNode('0', { ...thief, annotations: claim(keyOf('b')) })], 'a');
  assert.deepEqual([plan.peers, plan.keyless], [planOf(nodes, 'a').peers, ['0']]);
  assert.deepEqual(planOf([aNode('0', { ...thief, annotations: claim(keyOf('a')) })], 'a').keyless, ['0']);
});

test('ranges outside of the pods’ are nobody’s to claim', () => {
  const greedy = aNode('g', { address: '192.0.2.8', podCIDRs: ['0.0.0.0/0', '10.244.7.0/24', '::/0'] });
  assert.deepEqual(planOf([greedy], 'a').peers, ['g 192.0.2.8:51820 10.244.7.0/24']);
});
