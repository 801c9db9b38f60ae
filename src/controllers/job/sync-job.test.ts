import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Job } from '../../../generated/batch-v1.ts';
import type { Pod } from '../../../generated/core-v1.ts';
import type { Client } from '../../client/client.ts';
import { trackingFinalizer } from './count-pods.ts';
import { type SyncJobOptions, syncJob } from './sync-job.ts';

const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } };

function failed(name: string): Pod {
  const metadata = { name, namespace: 'default', uid: name, finalizers: [trackingFinalizer] };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [] }, status: { phase: 'Failed' } };
}

test('a look at a Job lasts until none of its pods is being let go any more, though one could not be', async () => {
  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'j', namespace: 'default', uid: 'j', resourceVersion: '1' },
    spec: { backoffLimit: 0, template },
  } as Job;
  const client = {
    resource: () => ({
      update: async (written: Job) => written,
      patch: async ({ name }: { name: string }) => {
        if (name === 'late') for (let turn = 0; turn < 5; turn++) await setImmediate();
        throw new Error(`${name} was not let go`);
      },
    }),
  } as unknown as Client;
  const released = new Set<string>();
  const options = { client, recorder: { event: () => {} }, isSettled: true, released, wrote: () => {}, nowMs: 0 };
  const look = syncJob(job, [failed('early'), failed('late')], options as unknown as SyncJobOptions);
  await assert.rejects(look, /early was not let go/);
  // Whoever looks next must find both, or counts the second one twice.
  assert.deepEqual([...released], []);
});
