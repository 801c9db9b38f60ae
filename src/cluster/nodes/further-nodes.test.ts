import assert from 'node:assert/strict';
import test from 'node:test';
import { type NodeSettings, withMachineAddress, withNode, withNodeCount, withoutNode } from './further-nodes.ts';

const alone: NodeSettings = {
  name: 'c',
  nodeName: 'vm',
  podCidr: '10.244.0.0/16',
  serviceCidr: '10.96.0.0/16',
};
const lines = ({ furtherNodes = [] }: NodeSettings) => furtherNodes.map(({ name, address }) => `${name} ${address}`);

test('nodes get the first names and addresses that are free, and keep them', () => {
  const three = withNodeCount({ ...alone, nodeCidr: '10.64.0.0/24' }, 3, 0);
  assert.deepEqual(lines(three), ['vm-2 10.64.0.2', 'vm-3 10.64.0.3']);
  const gap = withoutNode(three, 'vm-2');
  assert.deepEqual(lines(withNodeCount(gap, 4, 0)), ['vm-3 10.64.0.3', 'vm-2 10.64.0.2', 'vm-4 10.64.0.4']);
  assert.equal(withNodeCount(three, 3, 0), three);
});

test('their range is neither the pods’ nor the Services’', () => {
  const { nodeCidr } = withNode({ ...alone, podCidr: '10.64.0.0/16' }, 0);
  assert.equal(nodeCidr, '172.30.0.0/24');
});

for (const { name, change, code } of [
  {
    name: 'fewer nodes than there are',
    change: () => withNodeCount(withNodeCount(alone, 3, 0), 2, 0),
    code: 'E_OTHER_SETTINGS',
  },
  { name: 'the machine’s name', change: () => withNode(alone, 0, 'vm'), code: 'E_NODE_EXISTS' },
  { name: 'a name that leads out of its folder', change: () => withNode(alone, 0, '../x'), code: 'E_NODE_NAME' },
  { name: 'a name too long for a socket', change: () => withNode(alone, 0, 'n'.repeat(41)), code: 'E_NODE_NAME' },
]) {
  test(`${name} is refused`, () => assert.throws(change, { code }));
}

test('a machine without an address is known by the one it has among its nodes', () => {
  const settings = { ...withNode({ ...alone, nodeCidr: '10.64.0.0/24' }, 0), address: '127.0.0.1' };
  assert.equal(withMachineAddress(settings).address, '10.64.0.1');
  assert.equal(withMachineAddress({ ...settings, address: '192.0.2.2' }).address, '192.0.2.2');
  assert.equal(withMachineAddress({ ...alone, address: '127.0.0.1' }).address, '127.0.0.1');
});
