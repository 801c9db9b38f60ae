import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { buildResources } from '../api/build-resources.ts';
import { kindDefinitions } from '../api/kinds.ts';
import { systemClock } from '../base/clock.ts';
import { seededRandom } from '../base/random.ts';
import { rehearse } from './rehearsal.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const parts = {
  resources: buildResources(kindDefinitions),
  signingKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  clock: systemClock,
  random: seededRandom(1),
};

test('every write of a rehearsal is taken, and it ends with its signal', async () => {
  assert.deepEqual(await rehearse(parts, new AbortController().signal), { written: 640 });
  assert.deepEqual(await rehearse(parts, AbortSignal.abort()), { written: 0 });
});
