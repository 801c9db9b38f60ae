import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldErrors, path } from './field-errors.ts';
import {
  canonicalIpProblems,
  cidrWarnings,
  formatIp,
  isStrictSubset,
  parseCidr,
  parseIp,
  strictCidrProblems,
  validateCidr,
  validateIp,
} from './ip-address.ts';

for (const { text, want } of [
  { text: '10.0.0.1', want: [] },
  { text: '2001:db8::1', want: [] },
  { text: '::', want: [] },
  { text: '1:0:0:2::3', want: [] },
  { text: '2001:db8:0:0::1', want: ['must be in canonical form ("2001:db8::1")'] },
  { text: '010.0.0.1', want: ['must not have leading 0s'] },
  { text: '::ffff:1.2.3.4', want: ['must not be an IPv4-mapped IPv6 address'] },
]) {
  test(`${text} has these problems as a name of an address: ${want.join() || 'none'}`, () =>
    assert.deepEqual(canonicalIpProblems(text), want));
}

test('what is no address is none', () => {
  for (const text of ['', '1.2.3', '1.2.3.256', '1:2', '::1::', 'a::g', '1.2.3.4.5'])
    assert.equal(parseIp(text), undefined, text);
});

test('a range with bits beyond its prefix is refused where new objects are strict', () => {
  assert.deepEqual(strictCidrProblems('10.0.0.5/24'), ['must not have bits set beyond the prefix length']);
  assert.deepEqual(strictCidrProblems('10.0.0.0/24'), []);
});

for (const { text, want } of [
  { text: '::ffff:10.0.0.0/104', want: '4 10.0.0.0/8' },
  { text: '::ffff:10.1.2.3/128', want: '4 10.1.2.3/32' },
  { text: '::ffff:0:0/96', want: '4 0.0.0.0/0' },
  { text: '::ffff:10.0.0.0/95', want: '6 ::fffe:0:0/95' },
  { text: '::ffff:10.0.0.0/64', want: '6 ::/64' },
  { text: '010.9.8.7/032', want: '4 10.9.8.7/32' },
  { text: '::ffff:10.0.0.0/129', want: undefined },
  { text: '10.0.0.0/33', want: undefined },
]) {
  test(`${text} is read as ${want}`, () => {
    const range = parseCidr(text);
    const read = range && `${range.family} ${formatIp({ family: range.family, bits: range.start })}/${range.prefix}`;
    assert.equal(read, want);
  });
}

test('a spelling that others may read otherwise is refused, unless the object had it before', () => {
  const problems = (text: string, kept: string[] = []) => {
    const errors = new FieldErrors();
    const validate = text.includes('/') ? validateCidr : validateIp;
    validate(text, path('at'), errors, kept);
    return errors.list.map(({ body }) => body.slice(body.indexOf(': ', 15) + 2));
  };
  for (const [text, want] of [
    ['::ffff:10.0.0.0/104', 'must not have an IPv4-mapped IPv6 address'],
    ['010.0.0.0/8', 'must not have leading 0s in IP or prefix length'],
    ['10.0.0.0/08', 'must not have leading 0s in IP or prefix length'],
    ['00001::/16', 'must not have leading 0s in IP or prefix length'],
    ['10.0.0.5/8', 'must not have bits set beyond the prefix length'],
    ['::ffff:1.2.3.4', 'must not be an IPv4-mapped IPv6 address'],
    ['::ffff:01.2.3.4', 'must not have leading 0s'],
    ['1.2.3.04', 'must not have leading 0s'],
  ] as const) {
    assert.deepEqual(problems(text), [want], text);
    assert.deepEqual(problems(text, [text]), []);
  }
  for (const text of ['10.0.0.0/8', 'FD00:0::/64', '1.2.3.0', 'fd00:0:0::1']) assert.deepEqual(problems(text), []);
});

test('a subset is strict', () => {
  const whole = parseCidr('10.0.0.0/8')!;
  assert.equal(isStrictSubset(parseCidr('10.1.0.0/16')!, whole), true);
  assert.equal(isStrictSubset(whole, whole), false);
  assert.equal(isStrictSubset(parseCidr('11.0.0.0/16')!, whole), false);
});

for (const { text, want } of [
  { text: '10.0.0.0/24', want: [] },
  {
    text: '010.0.0.5/24',
    want: [
      'cidr: CIDR value "010.0.0.5/24" is ambiguous in this context (should be "10.0.0.0/24" or "10.0.0.5/32"?)',
      'cidr: non-standard CIDR value "010.0.0.5/24" is invalid: use "10.0.0.0/24"',
    ],
  },
  {
    text: '2001:DB8::/64',
    want: ['cidr: IPv6 CIDR value "2001:DB8::/64" should be in RFC 5952 canonical format ("2001:db8::/64")'],
  },
]) {
  test(`${text} is answered with ${want.length} warnings`, () =>
    assert.deepEqual(cidrWarnings(text, path('cidr')), want));
}
