import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { terminationPolicyAnnotation } from './labels.ts';
import type { ContainerRecord } from './runtime-tracker.ts';
import { readTermination } from './termination-message.ts';

const time = '2026-01-02T03:04:05.000000000Z';

for (const { name, log, want } of [
  { name: 'lines', log: `${time} stdout F one\n${time} stderr F two\n`, want: 'one\ntwo\n' },
  { name: 'a line that came in pieces', log: `${time} stdout P on\n${time} stdout F e\n`, want: 'one\n' },
  { name: 'an end without a line’s end', log: `${time} stdout P DONE\n`, want: 'DONE' },
])
  test(`the last words of a container without a termination log are its output: ${name}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coracle-words-'));
    try {
      const logPath = join(folder, '0.log');
      await writeFile(logPath, log);
      const annotations = { [terminationPolicyAnnotation]: 'FallbackToLogsOnError' };
      const record = { name: 'main', exitCode: 1, logPath, annotations } as unknown as ContainerRecord;
      assert.equal(await readTermination(record, folder), want);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
