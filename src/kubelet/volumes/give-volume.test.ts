import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import { giveVolume } from './give-volume.ts';

const base = mkdtempSync(join(tmpdir(), 'give-volume-'));
after(() => rmSync(base, { recursive: true, force: true }));

test('who waits long for a volume to become the group’s is told, and no more when it has', async () => {
  const pod = { metadata: { name: 'p', uid: 'UID' }, spec: { securityContext: { fsGroup: 1 }, containers: [] } } as Pod;
  const hostPath = join(mkdtempSync(join(base, 'UID-')));
  const told: string[] = [];
  const disposed: number[] = [];
  const timers: number[] = [];
  await giveVolume(pod, { hostPath, isReadOnly: false, takesOwnership: true }, {
    clock: {
      timer(delayMs: number, callback: () => void) {
        timers.push(delayMs);
        // The first two are over at once.
        if (timers.length < 3) queueMicrotask(callback);
        return { [Symbol.dispose]: () => void disposed.push(delayMs) };
      },
    },
    log: { warn() {} },
    events: {
      pod: (_: Pod, type: string, reason: string, message: string) => told.push(`${type} ${reason} ${message}`),
    },
  } as never);
  const folder = hostPath.slice(hostPath.indexOf('UID'));
  const start = `Warning VolumePermissionChangeInProgress Setting volume ownership for ${folder}`;
  assert.equal(told.length, 2);
  assert.ok(told[0]!.startsWith(`${start} is taking longer than expected, consider using OnRootMismatch - https://`));
  assert.equal(told[1], `${start}, processed 0 files.`);
  assert.deepEqual([timers, disposed], [[30_000, 60_000, 60_000], [60_000]]);
});
