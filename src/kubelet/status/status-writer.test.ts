import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusPatch } from './status-writer.ts';

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
