import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSummary, usageBetween } from './readings.ts';

const at = (seconds: number) => new Date(Date.UTC(2030, 0, 1) + seconds * 1000).toISOString();

function look(seconds: number, containers: Readonly<Record<string, { used: number; since: number }>>) {
  const stats = (used: number, since: number) => ({
    startTime: at(since),
    cpu: { time: at(seconds), usageCoreNanoSeconds: used * 1e9 },
    memory: { workingSetBytes: 1024 },
  });
  return readSummary({
    node: stats(seconds * 2, 0),
    pods: [
      {
        podRef: { namespace: 'n', name: 'p' },
        containers: Object.entries(containers).map(([name, { used, since }]) => ({ name, ...stats(used, since) })),
      },
    ],
  });
}

test('tells what was used between two looks, in billionths of a core', () => {
  const usage = usageBetween(look(100, { c: { used: 5, since: 0 } }), look(110, { c: { used: 10, since: 0 } }));
  assert.equal(usage.node?.nanoCores, 2e9);
  assert.equal(usage.node?.windowMs, 10_000);
  assert.deepEqual(
    [...usage.pods.get('n/p')!.containers.values()].map(({ nanoCores }) => nanoCores),
    [5e8],
  );
});

test('measures what began in between from its start', () => {
  const usage = usageBetween(look(100, {}), look(110, { c: { used: 4, since: 106 } }));
  assert.deepEqual(usage.pods.get('n/p')?.containers.get('c')?.nanoCores, 1e9);
});

test('leaves out what began anew, and a pod that is only partly known', () => {
  const again = usageBetween(look(100, { c: { used: 50, since: 0 } }), look(110, { c: { used: 1, since: 109 } }));
  assert.equal(again.pods.size, 0);
  const partly = usageBetween(
    look(100, { a: { used: 1, since: 0 } }),
    look(110, { a: { used: 2, since: 0 }, b: { used: 0, since: 110 } }),
  );
  assert.equal(partly.pods.size, 0);
});
