// Folders of a file server of this machine, mounted by the kernel.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { run, type TestCluster } from '../../e2e/cluster.ts';
import { create as createAll, podWithVolume, startCluster, untilSucceeded } from './small-pods.ts';

const exported = '/srv/nfs';

async function must(line: string): Promise<void> {
  const [program, ...args] = line.split(' ');
  const { code, stderr } = await run(program!, args);
  assert.equal(code, 0, `${line}: ${stderr}`);
}

const pod = (name: string, command: string, source: object) => podWithVolume(name, command, '/data', source);

describe('volumes of a file server', () => {
  let cluster: TestCluster;
  const create = (...items: object[]) => createAll(cluster, ...items);
  const succeeded = (name: string) => untilSucceeded(cluster, name);
  const mounts = () =>
    readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => / nfs4? /.test(line));

  before(async () => {
    mkdirSync(exported, { recursive: true });
    writeFileSync('/etc/exports', `${exported} *(rw,sync,no_subtree_check,no_root_squash,fsid=0)\n`);
    await must('modprobe nfsd');
    if (!existsSync('/proc/fs/nfsd/threads')) await must('mount -t nfsd nfsd /proc/fs/nfsd');
    await must('exportfs -ra');
    await must('rpc.nfsd --no-nfs-version 3 --no-udp 2');
    await must('rpc.mountd --no-nfs-version 3');
    cluster = await startCluster();
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await run('rpc.nfsd', ['0']);
    await run('pkill', ['rpc.mountd']);
    await run('umount', ['/proc/fs/nfsd']);
  });

  test('a pod writes, and another one reads', async () => {
    const nfs = { server: '10.0.2.15', path: '/' };
    await create(pod('writer', 'echo from a pod > /data/file; grep " /data nfs4 " /proc/mounts', { nfs }));
    await succeeded('writer');
    assert.match(await cluster.kubectl('logs writer'), /10\.0\.2\.15:\/ \/data nfs4 rw,/);
    assert.equal(readFileSync(`${exported}/file`, 'utf8'), 'from a pod\n');
    await create(
      pod('reader', 'cat /data/file; touch /data/more 2>/dev/null || echo refused', {
        nfs: { ...nfs, readOnly: true },
      }),
    );
    await succeeded('reader');
    assert.equal(await cluster.kubectl('logs reader'), 'from a pod\nrefused\n');
    await cluster.kubectl('delete pod writer reader --now');
    await cluster.eventually('nothing is mounted', async () => mounts().length === 0);
  });

  test('a PersistentVolume is mounted with its options', async () => {
    await create(
      {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: 'share' },
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteMany'],
          storageClassName: '',
          mountOptions: ['nfsvers=4.2', 'soft', 'timeo=50'],
          nfs: { server: '10.0.2.15', path: '/' },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'share' },
        spec: {
          accessModes: ['ReadWriteMany'],
          storageClassName: '',
          volumeName: 'share',
          resources: { requests: { storage: '1Gi' } },
        },
      },
      pod('claimant', 'grep " /data " /proc/mounts; cat /data/file', { persistentVolumeClaim: { claimName: 'share' } }),
    );
    await succeeded('claimant');
    assert.match(await cluster.kubectl('logs claimant'), / nfs4 rw,.*vers=4\.2,.*soft,.*timeo=50,/);
    await cluster.kubectl('delete pod/claimant pvc/share pv/share --now');
    await cluster.eventually('nothing is mounted', async () => mounts().length === 0);
  });

  test('a folder that is not there is told in the words of the tool', async () => {
    await create(pod('lost', 'true', { nfs: { server: '10.0.2.15', path: '/nowhere' } }));
    await cluster.eventually('an event says so', async () =>
      (await cluster.json('get events')).items.some(
        ({ reason, message }: any) => reason === 'FailedMount' && /No such file or directory/.test(message),
      ),
    );
    await cluster.kubectl('delete pod lost --now');
  });
});
