import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import type { CSIDriver } from '../../../generated/storage-v1.ts';
import type { Client } from '../../client/client.ts';
import { podData, readSecret } from './call-data.ts';
import type { CsiVolumeSpec } from './volume-spec.ts';

const pod = {
  metadata: { name: 'p', namespace: 'ns', uid: 'U' },
  spec: { serviceAccountName: 'sa', containers: [] },
} as Pod;
const spec = { mode: 'Persistent' } as CsiVolumeSpec;
const expirationTimestamp = '2030-01-01T00:00:00Z';
const key = 'csi.storage.k8s.io/serviceAccount.tokens';

const driver = (spec: CSIDriver['spec']): CSIDriver => ({ metadata: { name: 'd' }, spec });

test('a driver is told tokens by audience in order, where its object asks for them', async () => {
  const tokenRequests = [{ audience: 'vault' }, { audience: '' }];
  const request = async (_: Pod, { audience }: { audience: string }) => ({
    token: `for ${audience}`,
    expirationTimestamp,
  });
  const want = JSON.stringify({
    '': { token: 'for ', expirationTimestamp },
    vault: { token: 'for vault', expirationTimestamp },
  });
  const inContext = await podData(pod, spec, driver({ tokenRequests }), request);
  assert.deepEqual(inContext, { context: { [key]: want }, secrets: {} });
  const inSecrets = await podData(pod, spec, driver({ tokenRequests, serviceAccountTokenInSecrets: true }), request);
  assert.deepEqual(inSecrets, { context: {}, secrets: { [key]: want } });
});

test('a token that is not given is told in upstream’s words', async () => {
  const request = async () => {
    throw new Error('serviceaccounts "sa" not found');
  };
  await assert.rejects(podData(pod, spec, driver({ tokenRequests: [{ audience: 'vault' }] }), request), {
    message:
      'kubernetes.io/csi: mounter.SetUpAt failed to get service accoount token attributes: failed to fetch token: serviceaccounts "sa" not found',
  });
});

test('a Secret that can not be read is named, with the call it is for', async () => {
  const get = async () => {
    throw new Error('secrets "s$&" not found');
  };
  const client = { resource: () => ({ get }) } as unknown as Client;
  await assert.rejects(readSecret(client, 'fetching NodeStageSecretRef %s failed', { namespace: 'ns', name: 's$&' }), {
    message:
      'fetching NodeStageSecretRef ns/s$& failed: kubernetes.io/csi: failed to find the secret s$& in the namespace ns with error: secrets "s$&" not found',
  });
});
