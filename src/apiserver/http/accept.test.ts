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
])
  test(`negotiate gives ${want} for "${accept}" of ${JSON.stringify(offer)}`, () => {
    if (typeof want === 'number') assert.throws(() => negotiate(accept, offer), { code: want });
    else {
      const { media, transform } = negotiate(accept, offer);
      assert.equal(`${media} ${transform}`, want);
    }
  });
