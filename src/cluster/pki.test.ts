import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openPki } from './pki.ts';

const nowMs = Date.UTC(2026, 0, 1);
const identity = { file: 'admin', commonName: 'kubernetes-admin' };

for (const [what, spoil] of [
  ['a certificate that is empty', ({ crt }) => writeFileSync(crt, '')],
  ['a key that is empty', ({ key }) => writeFileSync(key, '')],
  ['half a certificate', ({ crt }) => writeFileSync(crt, readFileSync(crt, 'utf8').slice(0, 200))],
  ['the key of another certificate', ({ key, other }) => writeFileSync(key, readFileSync(other))],
] as readonly [string, (files: Record<'crt' | 'key' | 'other', string>) => void][])
  test(`an identity with ${what}, as failing power leaves it, is issued again`, async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'pki-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const first = await openPki(folder, nowMs);
    const lost = await first.ensure(identity);
    await first.ensure({ file: 'other', commonName: 'other' });
    spoil({ crt: join(folder, 'admin.crt'), key: join(folder, 'admin.key'), other: join(folder, 'other.key') });
    const pki = await openPki(folder, nowMs);
    assert.equal(pki.ca, first.ca);
    const pair = await pki.ensure(identity);
    assert.notEqual(pair.certificate, lost.certificate);
    assert.ok(new X509Certificate(pair.certificate).checkIssued(new X509Certificate(pki.ca)));
    assert.deepEqual(await pki.ensure(identity), pair);
    assert.deepEqual(
      readdirSync(folder).filter((name) => !/\.(key|crt)$/.test(name)),
      [],
    );
  });
