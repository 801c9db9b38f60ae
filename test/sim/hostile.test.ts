// Objects that nobody should write and the API takes, and some that were written in other times: each leads to a refusal, a
// condition or an event. Nothing crashes, and nobody writes again and again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '../../src/api/meta/status-error.ts';
import { cases } from './hostile-cases.ts';
import type { Change } from './ledger.ts';
import { World } from './world.ts';

/** Writes of five quiet minutes that are no loop. */
const mostWrites = 40;

for (const { name, objects, stored = [], isRefused = false, tells = [] } of cases) {
  test(`${name} lead to no crash and to no loop`, async () => {
    const bugs: string[] = [];
    const log = (line: string) => {
      if (/"level":"error"/.test(line) && /(Type|Range|Reference|Syntax)Error|controller failed/.test(line))
        bugs.push(line);
    };
    const world = await World.start({ seed: 1, nodes: 2, log, onLostAnswer: () => {} });
    try {
      for (const [kind, object] of objects) {
        const what = `${kind.plural} ${object.metadata.name}`;
        const error: unknown = await world.client
          .resource(kind)
          .create(object)
          .then(
            () => undefined,
            (failure) => failure,
          );
        if (error) assert.ok(error instanceof StatusError && error.code < 500, `${what}: ${error}`);
        else assert.ok(!isRefused, `${what} was taken`);
      }
      const encode = (object: object) => new TextEncoder().encode(JSON.stringify(object));
      const writes = stored.map(([key, object]) => ({ key: `/registry/${key}`, value: encode(object) }));
      if (writes.length > 0) await world.store.commit(writes);
      await world.clock.advance(120_000);
      const seen = new Map<string, number>();
      world.ledger.onChange(({ resource, key }: Change) => {
        if (resource !== 'leases' && resource !== 'nodes')
          seen.set(`${resource}/${key.slice(0, 40)}`, (seen.get(`${resource}/${key.slice(0, 40)}`) ?? 0) + 1);
      });
      await world.clock.advance(300_000);
      const total = [...seen.values()].reduce((sum, count) => sum + count, 0);
      assert.ok(
        total <= mostWrites,
        `${total} writes: ${[...seen]
          .sort(([, a], [, b]) => b - a)
          .slice(0, 8)
          .join(' ')}`,
      );
      const told = world.ledger
        .list('events')
        .map(({ involvedObject, reason }: any) => `${involvedObject.kind}/${involvedObject.name} ${reason}`);
      for (const each of tells)
        assert.ok(told.includes(each), `no event says ${each}, only ${[...new Set(told)].join(', ')}`);
      assert.deepEqual([...new Set(bugs.map((line) => line.slice(0, 600)))], []);
    } finally {
      await world.stop();
    }
  });
}
