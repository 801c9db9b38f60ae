import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import { FakeClock } from '../../base/clock-fake.ts';
import { silentLogger } from '../../base/log.ts';
import type { PodEnding } from '../pods/pod-ending.ts';
import { shutdownIn } from './logind.ts';
import { groupByPriority, NodeShutdown } from './node-shutdown.ts';

const pod = (name: string, priority?: number, graceSeconds = 30): Pod => ({
  metadata: { name, uid: name },
  spec: {
    containers: [],
    terminationGracePeriodSeconds: graceSeconds,
    ...(priority === undefined ? {} : { priority }),
  },
});
const periods = [
  { priority: 0, seconds: 20 },
  { priority: 1000, seconds: 10 },
];

test('a pod belongs to the highest priority that is not above its own', () => {
  const groups = groupByPriority(periods, [pod('none'), pod('below', -5), pod('middle', 999), pod('high', 2000)]);
  assert.deepEqual(
    groups.map(({ pods }) => pods.map(({ metadata }) => metadata.name)),
    [['none', 'below', 'middle'], ['high']],
  );
});

test('groups end one after the other, each within its time, and the node takes nothing meanwhile', async () => {
  const clock = new FakeClock();
  const ended: [string, PodEnding][] = [];
  const stuck = Promise.withResolvers<void>();
  const said: string[] = [];
  const events = { pod() {}, container() {}, node: (_: unknown, __: string, reason: string) => void said.push(reason) };
  const shutdown = new NodeShutdown({
    periods,
    pods: () => [pod('high', 2000, 60), pod('stuck', 0), pod('quick', 0, 3)],
    end(each, ending) {
      ended.push([each.metadata.name, ending]);
      return each.metadata.name === 'stuck' ? stuck.promise : Promise.resolve();
    },
    node: { metadata: { name: 'n' } },
    events,
    clock,
    log: silentLogger,
    onChange() {},
  });
  const refusal = () => shutdown.rejection?.reason;
  assert.equal(refusal(), undefined);
  const done = shutdown.begin();
  assert.equal(refusal(), 'NodeShutdown');
  assert.deepEqual(
    ended.map(([name, { graceSeconds }]) => [name, graceSeconds]),
    [
      ['stuck', 20],
      ['quick', 3],
    ],
  );
  await clock.advance(20_000);
  await done;
  assert.deepEqual(ended[2]?.[0], 'high');
  assert.equal(ended[2]?.[1].graceSeconds, 10);
  shutdown.cancel();
  assert.deepEqual([shutdown.problems, said], [[], ['Shutdown', 'Shutdown']]);
});

test('what logind says is told from everything else on the bus', () => {
  const line = (member: string, data: unknown[]) =>
    JSON.stringify({ type: 'signal', member, payload: { type: 'b', data } });
  assert.equal(shutdownIn(line('PrepareForShutdown', [true])), true);
  assert.equal(shutdownIn(line('PrepareForShutdown', [false])), false);
  assert.equal(shutdownIn(line('PrepareForSleep', [true])), undefined);
  assert.equal(shutdownIn('no json'), undefined);
});
