import assert from 'node:assert/strict';
import test from 'node:test';
import { addressAt, contains, gatewayOf, isRoutable, parseRange, rangeOf } from './addresses.ts';

test('addressAt counts from the base of the range, across octets', () => {
  assert.equal(gatewayOf('10.244.0.0/24'), '10.244.0.1');
  assert.equal(addressAt('10.96.0.0/16', 10), '10.96.0.10');
  assert.equal(addressAt('10.96.0.0/16', 256), '10.96.1.0');
  assert.equal(gatewayOf('255.255.255.252/30'), '255.255.255.253');
  assert.throws(() => addressAt('10.0.0.0/30', 4), /no address number 4/);
});

test('parseRange takes the base of a range given by one of its addresses', () => {
  assert.equal(gatewayOf('10.244.3.7/24'), '10.244.3.1');
});

for (const bad of [
  '',
  '10.0.0.0',
  '10.0.0.0/33',
  '10.0.0/8',
  'fd00::/129',
  '::ffff:1.2.3.4/96x',
  '10.0.0.0/8/8x',
  '10.0.0.0/-1',
  '10.0.0.0/ 8',
]) {
  test(`parseRange refuses "${bad}"`, () => assert.throws(() => parseRange(bad), /is not a range/));
}

test('contains knows the edges of a range', () => {
  assert.equal(contains('10.244.0.0/24', '10.244.0.0'), true);
  assert.equal(contains('10.244.0.0/24', '10.244.0.255'), true);
  assert.equal(contains('10.244.0.0/24', '10.244.1.0'), false);
  assert.equal(contains('0.0.0.0/0', '255.255.255.255'), true);
  assert.equal(contains('10.244.0.0/24', 'fd00::1'), false);
});

test('ranges of IPv6 are counted and asked alike', () => {
  assert.equal(gatewayOf('fd00:10:244:3::/64'), 'fd00:10:244:3::1');
  assert.equal(addressAt('fd00:96::/108', 10), 'fd00:96::a');
  assert.equal(contains('fd00:10:244::/56', 'fd00:10:244:ff::1'), true);
  assert.equal(contains('fd00:10:244::/56', 'fd00:10:245::1'), false);
  assert.equal(contains('fd00::/8', '10.0.0.1'), false);
  assert.equal(rangeOf('10.96.0.0/16,fd00:96::/108', 'IPv6'), 'fd00:96::/108');
});

test('isRoutable refuses every address that would lead to the node itself or to a group', () => {
  const bad = ['127.0.0.1', '127.9.9.9', '0.0.0.0', '169.254.169.254', '224.0.0.1', '255.255.255.255', '::1', '::'];
  for (const address of [...bad, 'fe80::1', 'ff02::1', '::ffff:127.0.0.1', 'web', '']) {
    assert.equal(isRoutable(address), false, address);
  }
  for (const address of ['10.244.0.5', '192.168.1.1', 'fd00::5']) assert.equal(isRoutable(address), true, address);
});
