import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Taint } from '../../generated/core-v1.ts';
import { deploymentKind, nodeKind } from '../../generated/kinds.ts';
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

test('controllers whose watch of nodes is not back yet evict nobody for a taint that may be gone', async () => {
  await stillTime();
  const world = await World.start({ seed: 3, nodes: 1, onLostAnswer: () => {} });
  try {
    const key = { namespace: '', name: 'node-0-0' };
    const nodes = world.client.resource(nodeKind);
    const taint = (taints: Taint[]) => nodes.patch(key, { spec: { taints } }, { type: 'merge' });
    await taint([{ key: 'drained', effect: 'NoExecute' }]);
    const labels = { app: 'web' };
    await world.client.resource(deploymentKind).create({
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 3,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'busybox' }] } },
      } as never,
    });
    await world.clock.advance('10s');
    const controllers = world.member('controllers');
    world.setDown(controllers, true);
    await taint([]);
    await world.clock.advance('6m');
    let evicted = 0;
    world.ledger.onChange(({ resource, before, after }) => {
      if (resource === 'pods' && after?.metadata.deletionTimestamp && !before?.metadata.deletionTimestamp) evicted++;
    });
    world.setDown(controllers, false);
    // The watch of pods is back before that of nodes.
    await world.clock.advance('3m');
    assert.equal(evicted, 0);
    assert.equal(world.ledger.list('pods').filter(({ spec }) => spec.nodeName).length, 3);
  } finally {
    await world.stop();
  }
});
