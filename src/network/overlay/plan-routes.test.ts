import assert from 'node:assert/strict';
import test from 'node:test';
import type { Node } from '../../../generated/core-v1.ts';
import { tunnelMac } from './names.ts';
import { machineLabel, peersOf, planRoutes, type Surroundings } from './plan-routes.ts';

const aNode = (name: string, address: string, podCIDR: string, machine?: string) =>
  ({
    metadata: { name, labels: machine ? { [machineLabel]: machine } : {} },
    spec: { podCIDR },
    status: { addresses: [{ type: 'InternalIP', address }] },
  }) as unknown as Node;

// Two machines with a router between them, each with a node in a namespace; and one that is on a's wire.
const nodes = [
  aNode('a', '192.0.2.2', '10.244.0.0/24'),
  aNode('a-2', '10.64.0.2', '10.244.1.0/24', 'a'),
  aNode('b', '198.51.100.2', '10.244.2.0/24'),
  aNode('b-2', '10.64.0.2', '10.244.3.0/24', 'b'),
  aNode('c', '192.0.2.3', '10.244.4.0/24'),
];

function waysOf(nodeName: string, wires: Readonly<Record<string, string>>, machine?: string): string[] {
  const surroundings: Surroundings = {
    nodeName,
    machine,
    tunnelId: 7,
    tunnelDevice: 'tunnel',
    wireTo: (address) => wires[address],
  };
  return planRoutes(peersOf(nodes, nodeName), surroundings).map(
    ({ podCidr, via, device, tunnel }) => `${podCidr} via ${via} ${device}${tunnel ? ` to ${tunnel.address}` : ''}`,
  );
}

test('a machine reaches its own nodes and its wire directly, and nodes of others by way of their machine', () => {
  assert.deepEqual(waysOf('a', { '10.64.0.2': 'bridge', '192.0.2.3': 'eth0' }), [
    '10.244.1.0/24 via 10.64.0.2 bridge',
    '10.244.2.0/24 via 10.244.2.0 tunnel to 198.51.100.2',
    '10.244.3.0/24 via 10.244.2.0 tunnel to 198.51.100.2',
    '10.244.4.0/24 via 192.0.2.3 eth0',
  ]);
});

test('a node in a namespace leaves everything beyond its machine to it', () => {
  assert.deepEqual(waysOf('a-2', { '192.0.2.2': 'eth0', '10.64.0.2': 'eth0' }, 'a'), [
    '10.244.0.0/24 via 192.0.2.2 eth0',
    '10.244.2.0/24 via 192.0.2.2 eth0',
    '10.244.3.0/24 via 192.0.2.2 eth0',
    '10.244.4.0/24 via 192.0.2.2 eth0',
  ]);
});

test('nodes that claim one range get no packets, nor do those of a machine that is not known', () => {
  const twice = [aNode('x', '192.0.2.7', '10.244.7.0/24'), aNode('y', '192.0.2.8', '10.244.7.0/24')];
  assert.deepEqual(peersOf(twice, 'a'), []);
  const orphan = peersOf([aNode('z-2', '10.64.0.9', '10.244.9.0/24', 'z')], 'a');
  const wireTo = () => 'eth0';
  assert.deepEqual(planRoutes(orphan, { nodeName: 'a', tunnelId: 7, tunnelDevice: 'tunnel', wireTo }), []);
});

test('pods of IPv6 are reached by addresses that follow from those of IPv4, on the wire and through the tunnel', () => {
  const both = [aNode('c', '192.0.2.3', '10.244.4.0/24'), aNode('b', '198.51.100.2', '10.244.2.0/24')];
  for (const [index, { spec }] of both.entries())
    spec!.podCIDRs = [spec!.podCIDR!, `${index ? 'fd00:10:244:1' : 'fd00:10:244'}::/64`];
  const wireTo = (address: string) => (address === '192.0.2.3' ? 'eth0' : undefined);
  const routes = planRoutes(peersOf(both, 'a'), { nodeName: 'a', tunnelId: 7, tunnelDevice: 'tunnel', wireTo });
  assert.deepEqual(
    routes.filter(({ podCidr }) => podCidr.includes(':')),
    [
      { podCidr: 'fd00:10:244::/64', via: 'fe80::c0ca:c000:203', device: 'eth0' },
      {
        podCidr: 'fd00:10:244:1::/64',
        via: 'fe80::c0ca:c633:6402',
        device: 'tunnel',
        tunnel: { mac: tunnelMac(7, 'b'), address: '198.51.100.2' },
      },
    ],
  );
});

test('the far end of a tunnel has an address of its own in each cluster, and it is a local one', () => {
  assert.notEqual(tunnelMac(7, 'b'), tunnelMac(8, 'b'));
  assert.match(tunnelMac(7, 'b'), /^02(:[0-9a-f]{2}){5}$/);
});
