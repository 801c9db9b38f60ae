import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { raiseOwnSession } from './session-priority.ts';

function asked(stat: string, hasGroups = true): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'session-'));
  try {
    writeFileSync(join(folder, 'stat'), stat);
    if (hasGroups) writeFileSync(join(folder, 'autogroup'), '');
    const raised = raiseOwnSession(hasGroups ? folder : join(folder, 'nowhere'));
    const wrote = hasGroups ? readFileSync(join(folder, 'autogroup'), 'utf8') : '';
    assert.equal(raised, wrote !== '');
    return wrote || undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the leader of a session asks for its session, whatever its name', () => {
  assert.equal(asked('70 (a (b) c 9) S 1 70 70 0 -1 4194560'), '-5');
});

test('a member of another’s session, and a machine without groups, are left alone', () => {
  assert.equal(asked('70 (node) S 1 70 68 0 -1 4194560'), undefined);
  assert.equal(asked('70 (node) S 1 70 70 0 -1 4194560', false), undefined);
});
