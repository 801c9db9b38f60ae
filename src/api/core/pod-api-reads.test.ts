import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodSpec } from '../../../generated/core-v1.ts';
import { firstApiRead } from './pod-api-reads.ts';

const container = { name: 'c', image: 'i' };
for (const [what, spec, read] of [
  ['a pod with what is on its machine', { volumes: [{ name: 'v', hostPath: { path: '/' } }] }, undefined],
  ['an account', { serviceAccountName: 'a', imagePullSecrets: [{ name: 's' }] }, 'serviceaccounts'],
  ['secrets to pull with', { imagePullSecrets: [{ name: 's' }] }, 'secrets'],
  ['a named Secret in a volume', { volumes: [{ name: 'v', secret: { secretName: 's' } }] }, 'secrets'],
  [
    'a driver’s Secret',
    { volumes: [{ name: 'v', csi: { driver: 'd', nodePublishSecretRef: { name: 's' } } }] },
    'secrets',
  ],
  ['a Secret without a name', { volumes: [{ name: 'v', secret: {} }] }, 'secrets (via secret volumes)'],
  [
    'a ConfigMap before the volume that comes first',
    {
      volumes: [
        { name: 'v', csi: { driver: 'd' } },
        { name: 'w', configMap: { name: 'c' } },
      ],
    },
    'configmaps',
  ],
  ['a claim for devices', { resourceClaims: [{ name: 'r' }] }, 'resourceclaims'],
  [
    'a token',
    { volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] },
    'serviceaccounts (via projected volumes)',
  ],
] as const) {
  test(`${what}: ${read ?? 'nothing of the API'} is read`, () => {
    assert.equal(firstApiRead({ containers: [container], ...spec } as unknown as PodSpec, 'p'), read);
  });
}
