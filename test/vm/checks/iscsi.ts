// Disks of iSCSI targets: Debian's target in this machine, its initiator, and the kernel's.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TestCluster } from '../../e2e/cluster.ts';
import { chap, iqn, leftovers, portals, sessions, startTargets } from './iscsi-target.ts';
import { create as createAll, podWithVolume, startCluster, untilSucceeded } from './small-pods.ts';

const pod = (name: string, command: string, source: object) => podWithVolume(name, command, '/disk', source);
const disk = (name: string, more: object = {}) => ({
  iscsi: { targetPortal: portals[0], iqn: `${iqn}.${name}`, lun: 1, fsType: 'ext4', ...more },
});

/** A PersistentVolume, and the claim that has it. */
const claimed = (name: string, source: object, mountOptions: readonly string[] = []) => {
  const common = { accessModes: ['ReadWriteOnce'], storageClassName: '' };
  const spec = { ...common, capacity: { storage: '400Mi' }, mountOptions, ...source };
  const claim = { ...common, volumeName: name, resources: { requests: { storage: '400Mi' } } };
  return [
    { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec },
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec: claim },
  ];
};

describe('disks of iSCSI targets', () => {
  let cluster: TestCluster;
  let targets: AsyncDisposable;
  const create = (...items: object[]) => createAll(cluster, ...items);
  const succeeded = (name: string) => untilSucceeded(cluster, name);
  const nothingIsLeft = () =>
    cluster.eventually('everybody is logged out', async () => {
      const left = leftovers();
      if (left.length > 0) throw new Error(left.join('; '));
      return true;
    });

  before(async () => {
    targets = await startTargets();
    cluster = await startCluster();
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await targets?.[Symbol.asyncDispose]();
  });

  test('a pod writes, goes, and another one reads', async () => {
    await create(pod('writer', 'echo written > /disk/file; grep " /disk " /proc/mounts', disk('plain')));
    await succeeded('writer');
    assert.match(await cluster.kubectl('logs writer'), /^\/dev\/sd\S+ \/disk ext4 rw/m);
    assert.deepEqual(sessions(), [`${iqn}.plain`]);
    await cluster.kubectl('delete pod writer --now');
    await nothingIsLeft();
    await create(
      pod('reader', 'cat /disk/file; touch /disk/more 2>/dev/null || echo refused', disk('plain', { readOnly: true })),
    );
    await succeeded('reader');
    assert.equal(await cluster.kubectl('logs reader'), 'written\nrefused\n');
    await cluster.kubectl('delete pod reader --now');
    await nothingIsLeft();
  });

  test('two pods share a session, and an agent that is killed meanwhile finds what to log out', async () => {
    // By a claim: of pods that name a disk themselves, and write, the scheduler lets a node have one, as upstream's does.
    const shared = { persistentVolumeClaim: { claimName: 'plain' } };
    await create(
      ...claimed('plain', disk('plain')),
      pod('one', 'echo one > /disk/one; sleep 100000', shared),
      pod('two', 'echo two > /disk/two; sleep 100000', shared),
    );
    await cluster.kubectl('wait --for=condition=Ready --timeout=180s pod/one pod/two');
    assert.equal(sessions().length, 1);
    await cluster.kubectl('delete pod one --now');
    const pid = async () => {
      const { components } = JSON.parse((await cluster.coracle(['status', '-o', 'json'])).stdout);
      return components.find(({ name, state }: any) => name === 'node' && state === 'running')?.pid;
    };
    const killed = await pid();
    process.kill(killed, 'SIGKILL');
    await cluster.eventually('another one runs', async () => ![killed, undefined].includes(await pid()));
    assert.equal(
      await cluster.eventually('its pod is heard', () => cluster.kubectl('exec two -- cat /disk/one')),
      'one\n',
    );
    assert.equal(sessions().length, 1);
    await cluster.kubectl('delete pod/two pvc/plain pv/plain --now');
    await nothingIsLeft();
  });

  test('a target that asks for a password gets it, and one that is wrong is told of', async () => {
    const secret = (name: string, password: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      type: 'kubernetes.io/iscsi-chap',
      stringData: { 'node.session.auth.username': chap.user, 'node.session.auth.password': password },
    });
    const asked = (name: string) => ({ chapAuthSession: true, secretRef: { name } });
    await create(
      secret('right', chap.password),
      secret('wrong', 'incorrect-horse'),
      pod('stranger', 'true', disk('guarded', asked('wrong'))),
    );
    await cluster.eventually('it is refused', async () =>
      (await cluster.json('get events')).items.some(
        ({ reason, message, involvedObject }: any) =>
          reason === 'FailedMount' && involvedObject.name === 'stranger' && /authorization failure/.test(message),
      ),
    );
    await cluster.kubectl('delete pod stranger --now');
    await create(pod('friend', 'echo friend > /disk/file; cat /disk/file', disk('guarded', asked('right'))));
    await succeeded('friend');
    assert.equal(await cluster.kubectl('logs friend'), 'friend\n');
    await cluster.kubectl('delete pod friend --now');
    await nothingIsLeft();
  });

  /** A Node that nobody is behind: whether its pod may have the disk is decided elsewhere. */
  async function isRefusedElsewhere(): Promise<void> {
    const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' };
    const second = pod('second', 'true', { persistentVolumeClaim: { claimName: 'paths' } });
    await create(
      { apiVersion: 'v1', kind: 'Node', metadata: { name: 'elsewhere', annotations } },
      { ...second, spec: { ...second.spec, nodeName: 'elsewhere' } },
    );
    await cluster.eventually('the disk is not for two nodes', async () =>
      (await cluster.json('get events')).items.some(
        ({ message, involvedObject }: any) => involvedObject.name === 'second' && /^Multi-Attach error/.test(message),
      ),
    );
    await cluster.kubectl('delete pod second --force');
    await cluster.kubectl('delete node elsewhere');
  }

  test('a PersistentVolume of two portals has two sessions and one mount, and a second node waits', async () => {
    await create(
      ...claimed('paths', disk('paths', { portals: [portals[1]], fsType: 'xfs' }), ['noatime']),
      pod('claimant', 'grep " /disk " /proc/mounts; sleep 100000', { persistentVolumeClaim: { claimName: 'paths' } }),
    );
    await cluster.kubectl('wait --for=condition=Ready --timeout=180s pod/claimant');
    await cluster.eventually('it has said', async () => /xfs rw,noatime/.test(await cluster.kubectl('logs claimant')));
    assert.deepEqual(sessions(), [`${iqn}.paths`, `${iqn}.paths`]);
    const attached = async () => (await cluster.json('get nodes')).items[0].status.volumesAttached;
    assert.match(JSON.stringify(await attached()), new RegExp(`kubernetes.io/iscsi/.*${iqn}.paths:1`));
    await isRefusedElsewhere();
    await cluster.kubectl('delete pod/claimant pvc/paths pv/paths --now');
    await cluster.eventually('it is detached', async () => JSON.stringify((await attached()) ?? []) === '[]');
    await nothingIsLeft();
  });
});
