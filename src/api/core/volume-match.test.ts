import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolume, PersistentVolumeClaim } from '../../../generated/core-v1.ts';
import { boundVolume, closestVolume, mismatchOf } from './volume-match.ts';

interface VolumeShape {
  readonly size?: string;
  readonly modes?: readonly string[];
  readonly keptFor?: { readonly name: string; readonly uid?: string };
  readonly phase?: string;
  readonly labels?: Record<string, string>;
  readonly storageClassName?: string;
  readonly volumeMode?: string;
}

function aVolume(name: string, shape: VolumeShape = {}): PersistentVolume {
  const { size = '1Gi', modes = ['ReadWriteOnce'], keptFor, phase = 'Available', labels, ...rest } = shape;
  return {
    metadata: { name, ...(labels ? { labels } : {}) },
    spec: {
      storageClassName: 'c',
      capacity: { storage: size },
      accessModes: modes,
      ...(keptFor ? { claimRef: { namespace: 'ns', ...keptFor } } : {}),
      ...rest,
    },
    status: { phase },
  } as unknown as PersistentVolume;
}

const aClaim = (size = '1Gi', more: object = {}) =>
  ({
    metadata: { name: 'data', namespace: 'ns', uid: 'u', resourceVersion: '7' },
    spec: {
      storageClassName: 'c',
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: size } },
      ...more,
    },
  }) as unknown as PersistentVolumeClaim;

for (const { name, claim = aClaim(), volumes, keptOnly = false, want } of [
  {
    name: 'the smallest that is enough',
    claim: aClaim('2Gi'),
    volumes: { a: { size: '5Gi' }, b: { size: '2Gi' }, c: {} },
    want: 'b',
  },
  {
    name: 'what is kept for it, however large',
    volumes: { a: {}, b: { size: '9Gi', keptFor: { name: 'data' } } },
    want: 'b',
  },
  { name: 'nothing that is kept for another', volumes: { a: { keptFor: { name: 'other' } } } },
  { name: 'nothing that an earlier claim of its name has', volumes: { a: { keptFor: { name: 'data', uid: 'old' } } } },
  { name: 'nothing that is not yet available', volumes: { a: { phase: 'Released' } } },
  { name: 'nothing of another class', volumes: { a: { storageClassName: 'x' } } },
  { name: 'nothing of another mode', volumes: { a: { volumeMode: 'Block' } } },
  { name: 'nothing with fewer access modes', volumes: { a: { modes: ['ReadOnlyMany'] } } },
  {
    name: 'the volume with fewer access modes to spare, even if it is larger',
    volumes: { a: { modes: ['ReadWriteOnce', 'ReadWriteMany'] }, b: { size: '5Gi' } },
    want: 'b',
  },
  {
    name: 'what its selector selects',
    claim: aClaim('1Gi', { selector: { matchLabels: { disk: 'fast' } } }),
    volumes: { a: {}, b: { size: '2Gi', labels: { disk: 'fast' } } },
    want: 'b',
  },
  { name: 'only what is kept while its pod has no node', volumes: { a: {} }, keptOnly: true },
] as {
  name: string;
  claim?: PersistentVolumeClaim;
  volumes: Record<string, VolumeShape>;
  keptOnly?: boolean;
  want?: string;
}[]) {
  test(`a claim gets ${name}`, () => {
    const found = closestVolume(
      claim,
      Object.entries(volumes).map(([each, shape]) => aVolume(each, shape)),
      { keptOnly },
    );
    assert.equal(found?.metadata.name, want);
  });
}

test('a volume that somebody kept for a claim is not marked as given by the controller', () => {
  const kept = boundVolume(aVolume('v', { keptFor: { name: 'data' } }), aClaim())!;
  assert.equal(kept.metadata.annotations, undefined);
  const given = boundVolume(aVolume('v'), aClaim())!;
  assert.deepEqual(given.metadata.annotations, { 'pv.kubernetes.io/bound-by-controller': 'yes' });
  assert.equal(given.spec?.claimRef?.uid, 'u');
  assert.equal(boundVolume(given, aClaim()), undefined);
});

test('a claim that names its volume is told why it cannot have it', () => {
  assert.equal(mismatchOf(aVolume('v'), aClaim('2Gi')), 'requested PV is too small');
  assert.equal(mismatchOf(aVolume('v', { volumeMode: 'Block' }), aClaim()), 'incompatible volumeMode');
  assert.equal(mismatchOf(aVolume('v'), aClaim()), undefined);
});
