import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesIn, holdsAddress, parseAddressRange } from './address-range.ts';

const all = (text: string) => [...addressesIn(parseAddressRange(text))];

test('a range is a prefix without its edges, or from one address to another', () => {
  assert.deepEqual(all('192.0.2.0/30'), ['192.0.2.1', '192.0.2.2']);
  assert.deepEqual(all('192.0.2.7/32'), ['192.0.2.7']);
  assert.deepEqual(all('192.0.2.4/31'), ['192.0.2.4', '192.0.2.5']);
  assert.deepEqual(all('192.0.2.255 - 192.0.3.1'), ['192.0.2.255', '192.0.3.0', '192.0.3.1']);
  assert.equal(holdsAddress(parseAddressRange('0.0.0.0/0'), '255.255.255.254'), true);
  assert.equal(holdsAddress(parseAddressRange('192.0.2.0/24'), 'not an address'), false);
});

test('what is no range is refused', () => {
  for (const text of [
    '',
    '192.0.2.9-192.0.2.1',
    '192.0.2.0/33',
    '192.0.2.0/8/8',
    'a-b',
    '::/64',
    '1.2.3.4-',
    '1.2.3.4/',
  ])
    assert.throws(() => parseAddressRange(text), /is not a range of IPv4 addresses/, text);
});
