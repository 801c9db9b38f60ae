import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { serve } from '../testing/serve.ts';
import { Auditor } from './auditor.ts';
import { LogFile } from './log-file.ts';
import type { Policy } from './policy.ts';
import type { AuditSink } from './sink.ts';

const policy = (rules: Policy['rules'], more: Partial<Policy> = {}): Policy => ({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules,
  ...more,
});

/** A server whose audit events are kept here. */
async function audited(rules: Policy) {
  const events: any[] = [];
  let onEvent = () => {};
  const write = (line: string) => {
    events.push(JSON.parse(line));
    onEvent();
  };
  const sink: AuditSink = { name: 'log', dropped: 0, write, close: async () => {} };
  const api = await serve({ auditor: new Auditor(rules, [sink], systemClock) });
  events.length = 0;
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      onEvent = () => {
        if (events.length >= count) resolve();
      };
      onEvent();
    });
  return { api, events, until };
}

describe('the audit log', () => {
  test('says who did what to which object, and how it ended', async () => {
    const { api, events } = await audited(policy([{ level: 'Metadata' }]));
    const secret = { metadata: { name: 's' }, stringData: { password: 'hunter2' } };
    await api.call('POST', '/api/v1/namespaces/default/secrets', secret, { 'audit-id': 'mine', 'user-agent': 'test' });
    const answer = await api.call('GET', '/api/v1/namespaces/default/pods/none');
    const [created, missing] = events;
    assert.deepEqual(
      { ...created, requestReceivedTimestamp: '', stageTimestamp: '' },
      {
        kind: 'Event',
        apiVersion: 'audit.k8s.io/v1',
        level: 'Metadata',
        auditID: 'mine',
        stage: 'ResponseComplete',
        requestURI: '/api/v1/namespaces/default/secrets',
        verb: 'create',
        user: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
        sourceIPs: ['127.0.0.1'],
        userAgent: 'test',
        objectRef: { resource: 'secrets', namespace: 'default', name: 's', apiVersion: 'v1' },
        responseStatus: { metadata: {}, code: 201 },
        requestReceivedTimestamp: '',
        stageTimestamp: '',
        annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
      },
    );
    assert.equal(missing.auditID, answer.headers['audit-id']);
    assert.equal(missing.responseStatus.message, 'pods "none" not found');
    assert.ok(!JSON.stringify(events).includes('hunter2'));
    await api[Symbol.asyncDispose]();
  });

  test('holds bodies where the policy says so, without managed fields if that is asked for', async () => {
    const { api, events } = await audited(policy([{ level: 'RequestResponse' }], { omitManagedFields: true }));
    await api.call('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'c' }, data: { a: 'b' } });
    await api.call('PATCH', '/api/v1/namespaces/default/configmaps/c', '{"data":{"a":"c"}}', {
      'content-type': 'application/merge-patch+json',
    });
    await api.call('GET', '/api/v1/namespaces/default/configmaps');
    const [created, patched, listed] = events;
    assert.deepEqual(created.requestObject.data, { a: 'b' });
    assert.equal(created.responseObject.metadata.name, 'c');
    assert.equal(created.responseObject.metadata.managedFields, undefined);
    assert.deepEqual(patched.requestObject, { data: { a: 'c' } });
    assert.equal(patched.objectRef.name, 'c');
    assert.equal(listed.responseObject.items[0].data.a, 'c');
    await api[Symbol.asyncDispose]();
  });

  test('has a line when a watch begins and one when it ends', async () => {
    const { api, events, until } = await audited(policy([{ level: 'Metadata', verbs: ['watch'] }]));
    const stopping = new AbortController();
    await api.open('/api/v1/namespaces/default/pods?watch=true', {}, stopping.signal);
    assert.deepEqual(
      events.map(({ stage }) => stage),
      ['ResponseStarted'],
    );
    stopping.abort();
    await until(2);
    assert.equal(events[1].stage, 'ResponseComplete');
    await api[Symbol.asyncDispose]();
  });

  test('names whom a caller impersonates, and what was forbidden', async () => {
    const { api, events } = await audited(policy([{ level: 'Metadata', users: ['admin'] }]));
    await api.call('GET', '/api/v1/namespaces/default/secrets', undefined, { 'impersonate-user': 'joe' });
    const [event] = events;
    assert.deepEqual([event.user.username, event.impersonatedUser.username], ['admin', 'joe']);
    assert.equal(event.annotations['authorization.k8s.io/decision'], 'forbid');
    assert.equal(event.responseStatus.code, 403);
    await api[Symbol.asyncDispose]();
  });
});

describe('the file of the audit log', () => {
  const folder = mkdtempSync(join(tmpdir(), 'coracle-audit-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('is cut over by size, kept by number, and readable by its owner only', async () => {
    let now = Date.parse('2026-01-01T00:00:00Z');
    const clock = { ...systemClock, now: () => now };
    const options = { path: join(folder, 'audit.log'), maxSizeBytes: 100, maxBackups: 2, maxAgeMs: 0 };
    for (let count = 0; count < 5; count++) {
      const file = new LogFile(options, { clock, log: silentLogger });
      file.write(`${'x'.repeat(79)}\n`);
      await file.close();
      now += 1000;
    }
    assert.deepEqual(readdirSync(folder).sort(), [
      'audit-2026-01-01T00-00-03.000.log',
      'audit-2026-01-01T00-00-04.000.log',
      'audit.log',
    ]);
    assert.equal(statSync(options.path).mode & 0o777, 0o600);
    assert.equal(readFileSync(options.path, 'utf8').length, 80);
  });

  test('drops what nobody can write, and says how much', async () => {
    const options = { path: join(folder, 'no', 'such', 'folder'), maxSizeBytes: 0, maxBackups: 0, maxAgeMs: 0 };
    const file = new LogFile(options, { clock: systemClock, log: silentLogger });
    for (let count = 0; count < 3; count++) file.write('{}\n');
    await file.close();
    assert.equal(file.dropped, 3);
  });
});
