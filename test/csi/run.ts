// `make csi`: a driver in a pod with upstream's provisioner, resizer and snapshotter, through the life of its volumes.
import assert from 'node:assert/strict';
import { existsSync, globSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TestCluster, whyNoContainers } from '../e2e/cluster.ts';
import { ensureArchive } from './images.ts';
import { claim, driver, driverObjects, ofClaim, user } from './manifests.ts';
import { ensurePrograms, moduleFolder } from './programs.ts';
import { checkSanity } from './sanity.ts';

describe('a CSI driver in a pod, with sidecars of upstream', { skip: whyNoContainers() ?? false }, () => {
  let cluster: TestCluster;
  let dataDir: string;
  const apply = (...items: object[]) =>
    cluster.kubectl('apply -f -', { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
  const ready = (pod: string) => cluster.kubectl(`wait --for=condition=Ready --timeout=180s ${pod}`);
  const logs = (pod: string, pattern: RegExp) =>
    cluster.eventually(`${pod} says ${pattern}`, async () => pattern.test(await cluster.kubectl(`logs ${pod}`)));
  const list = async (what: string): Promise<any[]> => (await cluster.json(`get ${what}`)).items;
  const snapshotGroup = 'snapshot.storage.k8s.io';

  before(async () => {
    await ensurePrograms();
    const archive = await ensureArchive();
    const crds = globSync('config/crd/snapshot.*.yaml', { cwd: await moduleFolder('external-snapshotter/client/v8') });
    dataDir = await mkdtemp('/var/lib/coracle-csi-test-');
    cluster = await TestCluster.create();
    await cluster.loadImages('pause', 'busybox');
    const { code, stderr } = await cluster.coracle(['image', 'import', archive]);
    assert.equal(code, 0, stderr);
    const folder = await moduleFolder('external-snapshotter/client/v8');
    for (const crd of crds) await cluster.kubectl(`apply -f ${join(folder, crd)}`);
    await cluster.kubectl('wait --for=condition=Established crd/volumesnapshots.snapshot.storage.k8s.io');
    await apply(...driverObjects(dataDir), {
      apiVersion: `${snapshotGroup}/v1`,
      kind: 'VolumeSnapshotClass',
      metadata: { name: 'csi' },
      driver,
      deletionPolicy: 'Delete',
    });
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    if (dataDir) await rm(dataDir, { recursive: true, force: true });
  });

  test('is one that upstream’s sanity tests have nothing to say against', checkSanity);

  test('announces itself', async () => {
    await cluster.eventually(
      'it is there',
      async () => (await cluster.tryKubectl('get pod csi-0 -n kube-system')).code === 0,
    );
    await ready('pod/csi-0 -n kube-system');
    await cluster.eventually(
      'it stands in CSINode',
      async () => (await list('csinodes'))[0].spec.drivers?.[0]?.name === driver,
    );
  });

  test('makes volumes where there is room, and attaches, stages and publishes them', async () => {
    await cluster.eventually('room is told', async () =>
      (await list('csistoragecapacities -A')).some((each) => each.capacity),
    );
    await apply(
      claim('data', { size: '1Gi' }),
      claim('raw', { size: '8Mi', volumeMode: 'Block' }),
      user(
        'writer',
        'echo hello >/data/x; echo on disk | dd of=/dev/raw conv=sync; head -c 8 /dev/raw; echo',
        {
          data: ofClaim('data'),
          raw: ofClaim('raw'),
        },
        ['raw'],
      ),
    );
    await ready('pod/writer');
    await logs('writer', /on disk/);
    const attachments = await list('volumeattachments');
    assert.deepEqual(
      attachments.map((each) => each.status.attached),
      [true, true],
    );
  });

  test('has no room for what is too large, and says so', async () => {
    await apply(claim('huge', { size: '3Ti' }), user('greedy', 'true', { huge: ofClaim('huge') }));
    await cluster.eventually('no node will do', async () => {
      const { status } = await cluster.json('get pod greedy');
      return status.conditions?.[0]?.message?.includes('node(s) did not have enough free storage');
    });
    await cluster.kubectl('delete pod/greedy pvc/huge');
  });

  test('grows volumes while they are used', async () => {
    for (const [name, storage] of [
      ['data', '2Gi'],
      ['raw', '16Mi'],
    ])
      await cluster.kubectl(`patch pvc ${name} -p {"spec":{"resources":{"requests":{"storage":"${storage}"}}}}`);
    await cluster.eventually('both have grown', async () => {
      const sizes = (await list('pvc')).map(({ status }) => status.capacity?.storage).sort();
      return sizes.join() === '16Mi,2Gi';
    });
    assert.equal((await cluster.kubectl('exec writer -- blockdev --getsize64 /dev/raw')).trim(), String(16 << 20));
  });

  test('copies a volume by way of a snapshot, and without', async () => {
    await apply({
      apiVersion: `${snapshotGroup}/v1`,
      kind: 'VolumeSnapshot',
      metadata: { name: 'snap' },
      spec: { volumeSnapshotClassName: 'csi', source: { persistentVolumeClaimName: 'data' } },
    });
    await cluster.eventually('it is taken', async () => (await list('volumesnapshots'))[0].status?.readyToUse);
    const snapshot = { apiGroup: snapshotGroup, kind: 'VolumeSnapshot', name: 'snap' };
    await apply(
      claim('restored', { size: '2Gi', dataSource: snapshot }),
      claim('clone', { size: '2Gi', dataSource: { kind: 'PersistentVolumeClaim', name: 'data' } }),
      user('reader', 'cat /restored/x /clone/x', { restored: ofClaim('restored'), clone: ofClaim('clone') }),
    );
    await ready('pod/reader');
    await logs('reader', /hello\nhello/);
  });

  test('gives a volume of ReadWriteOncePod to one pod alone', async () => {
    const volumes = { alone: ofClaim('alone') };
    await apply(claim('alone', { size: '1Mi', accessMode: 'ReadWriteOncePod' }), user('one', 'true', volumes));
    await ready('pod/one');
    await apply(user('two', 'true', volumes));
    await cluster.eventually('the second one waits', async () => {
      const { status } = await cluster.json('get pod two');
      return /ReadWriteOncePod/.test(status.conditions?.[0]?.message ?? '');
    });
    await cluster.kubectl('delete pod one');
    await ready('pod/two');
  });

  test('makes a volume for a pod alone', async () => {
    await apply(user('inline', 'echo mine >/own/x; cat /own/x', { own: { csi: { driver } } }));
    await ready('pod/inline');
    await logs('inline', /mine/);
  });

  test('may go and come again while its volumes are used', async () => {
    await cluster.kubectl('delete pod csi-0 -n kube-system');
    await cluster.eventually(
      'it is not known any more, or again',
      async () => (await cluster.tryKubectl('get pod csi-0 -n kube-system')).code === 0,
    );
    assert.equal(await cluster.kubectl('exec writer -- cat /data/x'), 'hello\n');
    await ready('pod/csi-0 -n kube-system');
  });

  test('leaves nothing when all is deleted', async () => {
    await cluster.kubectl('delete pod writer reader two inline --wait=false');
    await cluster.kubectl('delete volumesnapshot snap --wait=false');
    await cluster.kubectl('delete pvc --all --wait=false');
    await cluster.eventually(
      'volumes and attachments are gone',
      async () => {
        const [volumes, attachments] = await Promise.all([list('pv'), list('volumeattachments')]);
        return volumes.length + attachments.length === 0;
      },
      120_000,
    );
    await cluster.eventually('its folders are empty', async () => {
      const folders = ['volumes', 'snapshots'].map((name) => join(dataDir, name));
      return folders.every((folder) => !existsSync(folder) || readdirSync(folder).length === 0);
    });
    const left = globSync('data/node/**/vol_data.json', { cwd: cluster.folder });
    assert.deepEqual(left, []);
  });
});
