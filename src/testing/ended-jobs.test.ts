import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobKind, podKind } from '../../generated/kinds.ts';
import { startCluster } from './start-cluster.ts';

const template = {
  metadata: { annotations: { 'simulated.coracle.dev/run-seconds': '600' } },
  spec: { restartPolicy: 'OnFailure', containers: [{ name: 'c', image: 'busybox' }] },
};

test('a pod that is only seen when its Job has ended is stopped', async () => {
  await using cluster = await startCluster();
  const [jobs, pods] = [cluster.client.resource(jobKind), cluster.client.resource(podKind)];
  await cluster.clock.advance('1s');
  const spec = { activeDeadlineSeconds: 5, backoffLimit: 0, template };
  const { metadata } = await jobs.create({ metadata: { name: 'j', namespace: 'default' }, spec: spec as never });
  await cluster.clock.advance('1m');
  const ended = await jobs.get({ namespace: 'default', name: 'j' });
  assert.deepEqual(
    ended.status?.conditions?.map(({ type, reason }) => [type, reason]),
    [
      ['FailureTarget', 'DeadlineExceeded'],
      ['Failed', 'DeadlineExceeded'],
    ],
  );
  const labels = ended.spec.selector!.matchLabels!;
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: metadata.uid!, controller: true };
  await pods.create({
    metadata: { name: 'late', namespace: 'default', labels, ownerReferences: [owner], ...template.metadata },
    spec: template.spec as never,
  });
  await cluster.clock.advance('1m');
  assert.deepEqual(
    (await pods.list({ namespace: 'default' })).items.map((pod) => pod.metadata.name),
    [],
  );
});
