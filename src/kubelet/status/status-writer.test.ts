import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodStatus } from '../../../generated/core-v1.ts';
import { podKind } from '../../../generated/kinds.ts';
import { FakeClock } from '../../base/clock-fake.ts';
import { silentLogger } from '../../base/log.ts';
import { createFakeCluster } from '../testing/fake-cluster.ts';
import { createPodStatusSink, statusPatch } from './status-writer.ts';

const ready = { type: 'Ready', status: 'True' };

for (const { name, before, next, want } of [
  {
    name: 'is nothing when nothing changed',
    before: { phase: 'Running' },
    next: { phase: 'Running' },
    want: undefined,
  },
  {
    name: 'holds what changed alone',
    before: { phase: 'Pending', hostIP: '1.1.1.1' },
    next: { phase: 'Running', hostIP: '1.1.1.1' },
    want: { phase: 'Running' },
  },
  {
    name: 'replaces addresses',
    before: { podIPs: [{ ip: 'a' }] },
    next: { podIPs: [{ ip: 'b' }] },
    want: { podIPs: [{ ip: 'b' }, { $patch: 'replace' }] },
  },
  { name: 'takes back a reason', before: { reason: 'Old' }, next: {}, want: { reason: null } },
  { name: 'leaves the fields of others', before: { nominatedNodeName: 'n' }, next: {}, want: undefined },
  {
    name: 'sends only conditions that changed, without their old reason',
    before: { conditions: [ready, { type: 'Initialized', status: 'False', reason: 'X' }] },
    next: { conditions: [ready, { type: 'Initialized', status: 'True' }] },
    want: { conditions: [{ reason: null, message: null, type: 'Initialized', status: 'True' }] },
  },
] as { name: string; before: object; next: object; want: object | undefined }[])
  test(`statusPatch ${name}`, () => assert.deepEqual(statusPatch(before, next), want));

test('a status that others have overwritten is written again', async () => {
  const cluster = createFakeCluster();
  const pods = cluster.client.resource(podKind);
  const spec = { nodeName: 'n', containers: [] } as unknown as Pod['spec'];
  const pod = await pods.create({ metadata: { name: 'p', namespace: 'default' }, spec });
  const sink = createPodStatusSink({ client: cluster.client, clock: new FakeClock(), log: silentLogger });
  const status: PodStatus = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  sink.set(pod, status, true);
  await sink.flush();
  const key = { namespace: 'default', name: 'p' };
  const overwritten = { status: { conditions: [{ type: 'Ready', status: 'False' }] } };
  sink.set(await pods.patch(key, overwritten, { type: 'strategic', subresource: 'status' }), status, true);
  await sink.flush();
  const now = await pods.get(key);
  assert.equal(now.status?.conditions?.[0]?.status, 'True');
});
