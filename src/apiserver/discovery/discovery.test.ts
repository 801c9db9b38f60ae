import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../testing/serve.ts';

for (const { accept, want } of [
  { accept: 'application/vnd.kubernetes.protobuf,application/json', want: 200 },
  { accept: 'text/html;q=0.3, */*;q=0.1', want: 200 },
  { accept: 'application/json;as=x', want: 200 },
  { accept: 'application/vnd.kubernetes.protobuf', want: 406 },
  { accept: 'application/*', want: 406 },
  { accept: 'text/html', want: 406 },
])
  test(`the version is JSON: ${want} for ${accept}`, async () => {
    await using api = await serve();
    assert.equal((await api.call('GET', '/version', undefined, { accept })).status, want);
  });
