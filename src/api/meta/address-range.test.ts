import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesIn, addressIn, holdsAddress, parseAddressRange, parseAddressRanges } from './address-range.ts';

const all = (text: string) => [...addressesIn(parseAddressRange(text))];

test('a range is a prefix without its edges, or from one address to another', () => {
  assert.deepEqual(all('192.0.2.0/30'), ['192.0.2.1', '192.0.2.2']);
  assert.deepEqual(all('192.0.2.7/32'), ['192.0.2.7']);
  assert.deepEqual(all('192.0.2.4/31'), ['192.0.2.4', '192.0.2.5']);
  assert.deepEqual(all('192.0.2.255 - 192.0.3.1'), ['192.0.2.255', '192.0.3.0', '192.0.3.1']);
  assert.deepEqual(all('2001:db8::/126'), ['2001:db8::1', '2001:db8::2', '2001:db8::3']);
  assert.deepEqual(all('2001:db8::ffff-2001:db8::1:0'), ['2001:db8::ffff', '2001:db8::1:0']);
  assert.equal(addressIn(parseAddressRange('2001:db8::/64'), 255), '2001:db8::100');
  assert.equal(holdsAddress(parseAddressRange('0.0.0.0/0'), '255.255.255.254'), true);
  assert.equal(holdsAddress(parseAddressRange('192.0.2.0/24'), 'not an address'), false);
  assert.equal(holdsAddress(parseAddressRange('::/0'), '192.0.2.1'), false);
});

test('what is no range is refused', () => {
  for (const text of [
    '',
    '192.0.2.9-192.0.2.1',
    '192.0.2.0/33',
    '192.0.2.0/8/8',
    'a-b',
    '::/129',
    '192.0.2.1-2001:db8::1',
    '::ffff:192.0.2.0/120',
    '1.2.3.4-',
    '1.2.3.4/',
  ])
    assert.throws(() => parseAddressRange(text), /is not a range of addresses/, text);
  assert.throws(() => parseAddressRanges('192.0.2.0/24,'), /"" is not a range of addresses/);
});
