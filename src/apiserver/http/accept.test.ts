import assert from 'node:assert/strict';
import { test } from 'node:test';
import { negotiate, type Offer } from './accept.ts';

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const stored: Offer = { hasProtobuf: true };
const review: Offer = { hasProtobuf: true, hasTable: false };

for (const { accept, offer, want } of [
  { accept: '', offer: stored, want: 'json none' },
  { accept: table, offer: stored, want: 'json table' },
  { accept: `${table},application/json`, offer: review, want: 'json none' },
  { accept: table, offer: review, want: 406 },
  { accept: 'application/vnd.kubernetes.protobuf;q=0.2,application/yaml;q=0.9', offer: stored, want: 'yaml none' },
  { accept: 'application/vnd.kubernetes.protobuf', offer: { hasProtobuf: false }, want: 406 },
  { accept: 'application/json;as=Bogus;v=v1;g=meta.k8s.io,application/yaml', offer: stored, want: 'yaml none' },
  { accept: 'application/json;as=constructor;v=v1;g=meta.k8s.io', offer: stored, want: 406 },
  { accept: 'application/json;v=v1', offer: stored, want: 406 },
  { accept: 'application/json;as=', offer: stored, want: 'json none' },
  { accept: 'application/json;AS=Table', offer: stored, want: 'json none' },
  { accept: 'application/json;sv=v1', offer: stored, want: 'json none' },
  { accept: 'application/json;sv=v2', offer: stored, want: 406 },
  { accept: 'application/json;q=x,application/yaml;q=0.1', offer: stored, want: 'yaml none' },
])
  test(`negotiate gives ${want} for "${accept}" of ${JSON.stringify(offer)}`, () => {
    if (typeof want === 'number') assert.throws(() => negotiate(accept, offer), { code: want });
    else {
      const { media, transform } = negotiate(accept, offer);
      assert.equal(`${media} ${transform}`, want);
    }
  });

test('what is refused in words about streams would fit an object', () => {
  const watch: Offer = { hasProtobuf: true, isWatch: true };
  const refusal = (accept: string): string => {
    try {
      return negotiate(accept, watch).media;
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(refusal('application/yaml'), /accepted: application\/json;stream=watch, /);
  assert.match(
    refusal('application/json;as=Bogus;v=v1;g=meta.k8s.io'),
    /accepted: application\/json, application\/yaml, /,
  );
});
