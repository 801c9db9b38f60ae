import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from '../../testing/test-server.ts';

const pods = '/api/v1/namespaces/default/pods';
const cpu = (amount: string) => ({ resources: { requests: { cpu: amount }, limits: { cpu: amount } } });
const init = (amount: string) => ({ initContainers: [{ name: 'init', image: 'i', ...cpu(amount) }] });
const container = (amount: string) => ({ containers: [{ name: 'c', image: 'i', ...cpu(amount) }] });

test('a bound pod is resized in ways that its node declares, and in no others', async () => {
  await using api = await startTestServer();
  await api.create('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  const allocatable = { cpu: '4', memory: '4Gi', pods: '10' };
  const merge = (path: string, body: object) =>
    api.call(`PATCH ${path}`, body, undefined, 'application/strategic-merge-patch+json');
  await api.create('/api/v1/nodes', { metadata: { name: 'old' }, status: { allocatable } });
  const declaredFeatures = ['InPlacePodLevelResourcesVerticalScaling', 'InPlacePodVerticalScalingInitContainers'];
  await api.create('/api/v1/nodes', { metadata: { name: 'new' }, status: { allocatable, declaredFeatures } });

  /** What a resize is answered. */
  const resized = async (nodeName: string, before: object, after: object) => {
    const spec = { nodeName, ...container('100m'), ...before };
    const { metadata } = await api.create(pods, { metadata: { generateName: 'p-' }, spec });
    const { status, body } = await merge(`${pods}/${metadata.name}/resize`, { spec: after });
    return status === 200 ? status : body.message.replace(/^.*? is forbidden: /, `${status} `);
  };
  const refusal = (feature: string) =>
    `403 pod update requires features ${feature} which are not available on node "old"`;
  assert.equal(await resized('old', cpu('1'), cpu('2')), refusal('InPlacePodLevelResourcesVerticalScaling'));
  assert.equal(await resized('old', init('1'), init('2')), refusal('InPlacePodVerticalScalingInitContainers'));
  assert.equal(await resized('old', {}, container('200m')), 200);
  assert.equal(await resized('new', cpu('1'), cpu('2')), 200);
  assert.equal(await resized('new', init('1'), init('2')), 200);
  assert.equal(await resized('gone', cpu('1'), cpu('2')), '403 node "gone" not found');
});
