import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stillTime } from './still-time.ts';
import { World } from './world.ts';

test('controllers that heard nothing for a while take no node for silent when they hear again', async () => {
  await stillTime();
  const world = await World.start({ seed: 1, nodes: 2, onLostAnswer: () => {} });
  try {
    await world.clock.advance(10_000);
    const statuses: string[] = [];
    world.ledger.onChange(({ resource, after }) => {
      const ready = after?.['status']?.conditions?.find(({ type }: { type: string }) => type === 'Ready');
      if (resource === 'nodes' && ready) statuses.push(`${after?.metadata.name} ${ready.status}`);
    });
    const controllers = world.member('controllers');
    world.setDown(controllers, true);
    await world.clock.advance('6m');
    world.setDown(controllers, false);
    // Their watches come back one by one, within a minute.
    await world.clock.advance('3m');
    assert.deepEqual(
      statuses.filter((each) => !each.endsWith(' True')),
      [],
    );
    world.kill(world.member('node-1'));
    await world.clock.advance('1m');
    assert.deepEqual(new Set(statuses.filter((each) => !each.endsWith(' True'))), new Set(['node-1-0 Unknown']));
  } finally {
    await world.stop();
  }
});
