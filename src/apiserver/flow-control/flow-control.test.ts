import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { until } from '../../base/testing/until.ts';
import type { Authorizer, Decision } from '../authz/authorizer.ts';
import type { InProcessResponse } from '../http/in-process.ts';
import { serve, type TestServer } from '../testing/serve.ts';
import { flowControlMaintenance } from './maintenance.ts';

const base = '/apis/flowcontrol.apiserver.k8s.io/v1';
const allowed: Decision = { verdict: 'allow', reason: '' };
const everything: [Authorizer] = [{ authorize: () => allowed }];

async function maintained(run: (host: TestServer) => Promise<void>, authorizers = everything): Promise<void> {
  await using host = await serve({ authorizers });
  const stop = new AbortController();
  const running = flowControlMaintenance({ server: host.server, clock: systemClock, log: silentLogger }).run(
    stop.signal,
  );
  try {
    await until(
      () => host.call('GET', `${base}/flowschemas/catch-all`),
      ({ body }) => body.status?.conditions?.length > 0,
    );
    await run(host);
  } finally {
    stop.abort();
    await running;
  }
}

test('answers name the objects they were let in by, and the objects say where they lead', async () => {
  await maintained(async (host) => {
    const { body: exempt } = await host.call('GET', `${base}/flowschemas/exempt`);
    const { headers } = await host.call('GET', '/api/v1/namespaces/nobody');
    assert.equal(headers['x-kubernetes-pf-flowschema-uid'], exempt.metadata.uid);
    const made = await host.call('POST', `${base}/flowschemas`, {
      metadata: { name: 'lost' },
      spec: { priorityLevelConfiguration: { name: 'nowhere' }, matchingPrecedence: 5 },
    });
    assert.equal(made.status, 201);
    const { body: lost } = await until(
      () => host.call('GET', `${base}/flowschemas/lost`),
      ({ body }) => body.status?.conditions?.length > 0,
    );
    assert.equal(lost.status.conditions[0].status, 'True');
    assert.equal(
      lost.status.conditions[0].message,
      'This FlowSchema references the PriorityLevelConfiguration object named "nowhere" but there is no such object',
    );
  });
});

test('beyond its seats and queues a level refuses with 429, and others go on', async () => {
  const seated = Promise.withResolvers<void>();
  const leave = Promise.withResolvers<void>();
  // Whoever is asked about has a seat already, and keeps it until the answer.
  const slow: Authorizer = {
    async authorize({ user, resource }) {
      if (user.username !== 'jane' || resource !== 'namespaces') return allowed;
      seated.resolve();
      await leave.promise;
      return allowed;
    },
  };
  await maintained(
    async (host) => {
      const level = {
        metadata: { name: 'narrow' },
        spec: {
          type: 'Limited',
          limited: { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } },
        },
      };
      assert.equal((await host.call('POST', `${base}/prioritylevelconfigurations`, level)).status, 201);
      const schema = {
        metadata: { name: 'narrow' },
        spec: {
          priorityLevelConfiguration: { name: 'narrow' },
          matchingPrecedence: 3,
          rules: [
            {
              subjects: [{ kind: 'User', user: { name: 'jane' } }],
              resourceRules: [{ verbs: ['*'], apiGroups: [''], resources: ['namespaces'], clusterScope: true }],
            },
          ],
        },
      };
      assert.equal((await host.call('POST', `${base}/flowschemas`, schema)).status, 201);
      const jane = { username: 'jane', groups: [] };
      const ask = (path: string): Promise<InProcessResponse> =>
        host.server.handleInProcess(jane, { method: 'GET', path });
      // A level without seats lets in what is alone.
      const first = ask('/api/v1/namespaces');
      await seated.promise;
      const refused = await ask('/api/v1/namespaces');
      assert.equal(refused.status, 429);
      assert.equal(Buffer.from(await refused.bytes()).toString(), 'Too many requests, please try again later.\n');
      assert.equal(refused.headers['retry-after'], '1');
      assert.equal((await ask('/api/v1/nodes')).status, 200);
      leave.resolve();
      assert.equal((await first).status, 200);
    },
    [slow],
  );
});

test('a watch takes a seat only until it has begun', async () => {
  await using host = await serve({ authorizers: everything, seats: 1 });
  const jane = { username: 'jane', groups: [] };
  const watch = (signal: AbortSignal) =>
    host.server.handleInProcess(jane, { method: 'GET', path: '/api/v1/namespaces?watch=1', signal });
  const stop = new AbortController();
  const streams = [await watch(stop.signal), await watch(stop.signal), await watch(stop.signal)];
  assert.deepEqual(
    streams.map(({ status }) => status),
    [200, 200, 200],
  );
  stop.abort();
});
