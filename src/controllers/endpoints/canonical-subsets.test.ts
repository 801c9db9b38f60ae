import assert from 'node:assert/strict';
import test from 'node:test';
import { canonicalSubsets, portsInOrder, slicePortsInOrder } from './canonical-subsets.ts';

test('ports of Endpoints stand in the order that upstream gives them', () => {
  const x = { name: 'x', port: 8080, protocol: 'TCP', appProtocol: 'http' } as const;
  const dns = { name: 'dns', port: 53, protocol: 'UDP' } as const;
  const web = { name: 'web', port: 8080, protocol: 'TCP' } as const;
  const tls = { name: 'tls', port: 8443, protocol: 'TCP', appProtocol: 'https' } as const;
  assert.deepEqual(portsInOrder([x, dns]), [dns, x]);
  assert.deepEqual(portsInOrder([web, tls]), [tls, web]);
});

test('ports of slices stand in an order of their own', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name, at) => ({ name, port: at + 1, protocol: 'TCP' }) as const);
  assert.deepEqual(slicePortsInOrder([a!, b!]), [b, a]);
  assert.deepEqual(
    slicePortsInOrder([
      { ...a!, port: 2 },
      { ...c!, protocol: 'UDP' },
    ]).map(({ name }) => name),
    ['c', 'a'],
  );
});

test('ports that the same addresses serve stand together, and an address that is not ready anywhere is not ready', () => {
  const a = { name: 'a', port: 1 };
  const b = { name: 'b', port: 2 };
  const [first, second] = [{ ip: '192.0.2.1' }, { ip: '192.0.2.2' }];
  const subsets = canonicalSubsets([
    { addresses: [second, first], ports: [a] },
    { addresses: [first], ports: [b] },
    { notReadyAddresses: [second], ports: [a] },
  ]);
  assert.deepEqual(subsets, [
    { addresses: [first], notReadyAddresses: [second], ports: [a] },
    { addresses: [first], notReadyAddresses: [], ports: [b] },
  ]);
  const together = canonicalSubsets([
    { addresses: [first], ports: [a] },
    { addresses: [first], ports: [b] },
  ]);
  assert.equal(together.length, 1);
});
