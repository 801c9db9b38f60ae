// The power of a machine fails while a cluster runs, and comes back: this file runs twice, before and after.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { writeDurably } from '../../../src/base/durable-file.ts';
import { run, TestCluster } from '../../e2e/cluster.ts';
import { againFile } from '../plan.ts';
import { create, smallPod, startCluster } from './small-pods.ts';

type Place = Pick<TestCluster, 'name' | 'folder'>;

interface Before extends Place {
  /** A second cluster, that was just made. */
  readonly young: Place;
  /** By name: what a pod is known by, and how often it was started. */
  readonly pods: Readonly<Record<string, { readonly uid: string; readonly restarts: number }>>;
}

const noteFile = '/var/before-power-loss.json';
const kept = Array.from({ length: 40 }, (_, index) => `kept-${index}`);

const objects = [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'c', image: 'nginx:1.22', readinessProbe: { httpGet: { port: 80 } } }] },
      },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
  },
  {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
  },
  smallPod('writer', 'echo started >> /data/log; sync; sleep 1d', {
    spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
    container: { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
  }),
  smallPod('once', 'sleep 1d', { spec: { restartPolicy: 'Never' } }),
];

const simulated = { simulatedNodes: 1 };
const placeOf = ({ name, folder }: TestCluster): Place => ({ name, folder });

/** Names of the ConfigMaps that the API took before the power failed and has not now. */
async function lostBy(cluster: TestCluster): Promise<string[]> {
  const { items } = await cluster.json('get configmaps');
  const found = items.map(({ metadata }: any) => metadata.name);
  return kept.filter((name) => !found.includes(name));
}

const podsOf = async (cluster: TestCluster): Promise<any[]> => (await cluster.json('get pods')).items;

describe('a machine whose power fails', () => {
  test('has pods that run', { skip: existsSync(noteFile) }, async () => {
    const cluster = await startCluster({}, 'nginx');
    await create(cluster, ...objects);
    await cluster.kubectl('wait --for=condition=Ready pod --all --timeout=180s');
    await cluster.kubectl('rollout status deployment web --timeout=180s');
    const pods = (await podsOf(cluster)).map(({ metadata, status }) => [
      metadata.name,
      { uid: metadata.uid, restarts: status.containerStatuses[0].restartCount },
    ]);
    // What the runtime has unpacked is its own affair. What Coracle writes from here on has to be on the disk by itself: a machine
    // that is not emulated would have had no time for more.
    await run('sync', []);
    await run('sysctl', ['-w', 'vm.dirty_writeback_centisecs=0', 'vm.dirty_expire_centisecs=360000']);
    const young = await TestCluster.create(simulated);
    const before: Before = { ...placeOf(cluster), young: placeOf(young), pods: Object.fromEntries(pods) };
    writeDurably(noteFile, JSON.stringify(before));
    const configMaps = kept.map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }));
    for (const each of [cluster, young]) await create(each, ...configMaps);
    writeFileSync(againFile, '');
    writeFileSync('/proc/sysrq-trigger', 'b');
    await new Promise(() => {}); // the power is off
  });

  test('has them again, and all that the API took, when it comes back', { skip: !existsSync(noteFile) }, async () => {
    const before: Before = JSON.parse(readFileSync(noteFile, 'utf8'));
    await using cluster = TestCluster.found(before);
    await cluster.up();
    assert.deepEqual(await lostBy(cluster), []);
    await cluster.eventually('each runs again, but one that is started once', async () =>
      (await podsOf(cluster)).every(({ metadata, status }) => {
        const [{ ready, restartCount }] = status.containerStatuses;
        if (metadata.name === 'once') return status.phase === 'Failed';
        return ready && restartCount > before.pods[metadata.name]!.restarts;
      }),
    );
    const now = await podsOf(cluster);
    assert.deepEqual(now.map(({ metadata }) => metadata.name).sort(), Object.keys(before.pods).sort());
    for (const { metadata, status } of now) {
      const { uid, restarts } = before.pods[metadata.name]!;
      assert.equal(metadata.uid, uid);
      const expected = metadata.name === 'once' ? restarts : restarts + 1;
      assert.equal(status.containerStatuses[0].restartCount, expected, metadata.name);
    }
    assert.match(await cluster.kubectl('get events --field-selector reason=Rebooted'), /has been rebooted/);
    assert.equal(await cluster.kubectl('exec writer -- cat /data/log'), 'started\nstarted\n');
    await cluster.eventually('the Service answers', async () =>
      /nginx/.test((await cluster.tryKubectl('exec writer -- wget -qO- http://web')).stdout),
    );
  });

  test('has a cluster again that was made just before', { skip: !existsSync(noteFile) }, async () => {
    const { young }: Before = JSON.parse(readFileSync(noteFile, 'utf8'));
    await using cluster = TestCluster.found(young, simulated);
    await cluster.up();
    assert.deepEqual(await lostBy(cluster), []);
  });
});
