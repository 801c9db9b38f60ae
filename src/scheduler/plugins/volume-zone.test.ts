import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolume, PersistentVolumeClaim } from '../../../generated/core-v1.ts';
import type { StorageClass } from '../../../generated/storage-v1.ts';
import { NodeCache } from '../node-cache.ts';
import { Blocked, type StorageChange, snapshotOf } from '../plugin.ts';
import { viewOf } from '../pod-view.ts';
import { volumeZone } from './volume-zone.ts';

const zone = 'topology.kubernetes.io/zone';
const oldZone = 'failure-domain.beta.kubernetes.io/zone';
const oldRegion = 'failure-domain.beta.kubernetes.io/region';
type Labels = Record<string, string>;

const pod = viewOf({
  metadata: { name: 'p', namespace: 'ns' },
  spec: { containers: [], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] },
});
const volumeWith = (labels: Labels) => ({ metadata: { name: 'v', labels } }) as PersistentVolume;
const classOf = (volumeBindingMode: string) => ({ metadata: { name: 'c' }, volumeBindingMode }) as StorageClass;

function worldOf(nodeLabels: Labels, spec: object, volume?: PersistentVolume, storageClass?: StorageClass) {
  const cache = new NodeCache();
  cache.setNode({ metadata: { name: 'a', labels: nodeLabels }, spec: {} });
  const claim = { metadata: { name: 'data', namespace: 'ns' }, spec } as PersistentVolumeClaim;
  const storage = {
    claim: () => claim,
    volume: () => volume,
    volumes: () => [],
    storageClass: () => storageClass,
  };
  return snapshotOf(cache, { namespaceLabels: () => undefined, services: () => [], storage });
}

function reason(snapshot: ReturnType<typeof worldOf>): string {
  const asked = volumeZone.prepare(pod, snapshot);
  if (asked instanceof Blocked) return asked.reason;
  return asked?.(snapshot.nodes[0]!)[0]?.reason ?? 'will do';
}

const elsewhere = 'node(s) had no available volume zone';
for (const { name, node, volume, want } of [
  { name: 'in its zone', node: { [zone]: 'x' }, volume: { [zone]: 'x' }, want: 'will do' },
  { name: 'not in another', node: { [zone]: 'y' }, volume: { [zone]: 'x' }, want: elsewhere },
  { name: 'in one of its zones', node: { [zone]: 'y' }, volume: { [zone]: 'x__y' }, want: 'will do' },
  { name: 'by its older label too', node: { [zone]: 'y' }, volume: { [oldZone]: 'x' }, want: elsewhere },
  { name: 'to a node with a newer label', node: { [zone]: 'x' }, volume: { [oldZone]: 'x' }, want: 'will do' },
  { name: 'not to a node with an older one alone', node: { [oldZone]: 'x' }, volume: { [zone]: 'x' }, want: elsewhere },
  { name: 'by its region too', node: { [zone]: 'x' }, volume: { [zone]: 'x', [oldRegion]: 'r' }, want: elsewhere },
  { name: 'to nodes that are nowhere', node: {}, volume: { [zone]: 'x' }, want: 'will do' },
  { name: 'anywhere when a zone has no name', node: { [zone]: 'y' }, volume: { [zone]: 'x__' }, want: 'will do' },
] as { name: string; node: Labels; volume: Labels; want: string }[]) {
  test(`a pod goes after its volume ${name}`, () =>
    assert.equal(reason(worldOf(node, { volumeName: 'v' }, volumeWith(volume))), want));
}

test('a pod waits for what its claim lacks', () => {
  assert.equal(reason(worldOf({}, { volumeName: 'v' })), 'persistentvolume "v" not found');
  assert.equal(reason(worldOf({}, {})), 'PersistentVolumeClaim had no pv name and storageClass name');
  assert.equal(reason(worldOf({}, { storageClassName: 'c' })), 'storageclass.storage.k8s.io "c" not found');
  const spec = { storageClassName: 'c' };
  assert.equal(reason(worldOf({}, spec, undefined, classOf('Immediate'))), 'PersistentVolume had no name');
  assert.equal(reason(worldOf({}, spec, undefined, classOf('WaitForFirstConsumer'))), 'will do');
});

test('only what can bring a volume nearer wakes a pod', () => {
  const snapshot = worldOf({}, {});
  const helps = (stored: StorageChange) => volumeZone.helps!(pod, { type: 'volumes', stored }, snapshot);
  const [here, there] = [volumeWith({ [zone]: 'x' }), volumeWith({ [zone]: 'y' })];
  assert.equal(helps({ kind: 'claim', key: 'ns/data' }), true);
  assert.equal(helps({ kind: 'claim', key: 'ns/other' }), false);
  assert.equal(helps({ kind: 'volume', object: here }), true);
  assert.equal(helps({ kind: 'volume', object: here, previous: there }), true);
  assert.equal(helps({ kind: 'volume', object: here, previous: volumeWith({ [zone]: 'x', other: 'z' }) }), false);
  assert.equal(helps({ kind: 'class', object: classOf('Immediate') }), false);
  assert.equal(helps({ kind: 'attachment' }), false);
  assert.equal(volumeZone.helps!(pod, { type: 'node-labels' }, snapshot), true);
});
