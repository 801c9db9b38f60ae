// What a node does with disks of iSCSI targets, without a cluster around it: the same steps as in
// src/kubelet/volumes/iscsi/iscsi-volumes.test.ts, with the real tool, the kernel's initiator and a real target.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { ISCSIVolumeSource, Pod } from '../../../generated/core-v1.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/log.ts';
import type { Client } from '../../../src/client/client.ts';
import { IscsiNode } from '../../../src/kubelet/volumes/iscsi/iscsi-volumes.ts';
import { thisMachine } from '../../../src/kubelet/volumes/iscsi/settings.ts';
import { systemMounter } from '../../../src/kubelet/volumes/mounter.ts';
import { NodeAttachments } from '../../../src/kubelet/volumes/node-attachments.ts';
import { chap, iqn, knownTargets, leftovers, portals, sessions, startTargets } from './iscsi-target.ts';

const never = new AbortController().signal;
const podNamed = (uid: string) => ({ metadata: { name: uid, namespace: 'default', uid } }) as Pod;
/** Nobody says which disks the node may have: it takes what its pods ask for. */
const unattended = () =>
  new NodeAttachments({
    nodeName: 'vm',
    client: {} as Client,
    clock: systemClock,
    isManaged: false,
    writeStatus: async () => {},
  });

describe('a node and iSCSI targets', () => {
  let targets: AsyncDisposable;
  let nodeDir: string;
  let secret: Record<string, string>;
  let node: IscsiNode;
  let stop: () => Promise<void>;

  const start = () => {
    const stopping = new AbortController();
    node = new IscsiNode({
      nodeDir,
      mounter: systemMounter,
      clock: systemClock,
      log: silentLogger,
      machine: thisMachine,
      attachments: unattended(),
      secret: async () => secret,
    });
    const done = node.run(stopping.signal);
    stop = () => {
      stopping.abort();
      return done;
    };
  };
  const setUp = async (uid: string, name: string, more: Partial<ISCSIVolumeSource> = {}, isReadOnly = false) => {
    const source = {
      targetPortal: portals[0],
      iqn: `${iqn}.${name}`,
      lun: 1,
      fsType: 'ext4',
      iscsiInterface: 'default',
    };
    const asked = {
      name: 'data',
      podVolume: 'data',
      source: { ...source, ...more },
      isReadOnly,
      isBlock: false,
      mountOptions: [],
    };
    return (await node.setUp(podNamed(uid), asked, never)).hostPath;
  };
  const tearDown = async (uid: string) => {
    await node.tearDown(uid);
    rmSync(join(nodeDir, 'pods', uid), { recursive: true, force: true });
  };
  const nothingIsLeft = async () => {
    for (let left = leftovers(), attempt = 0; left.length > 0; left = leftovers(), attempt++) {
      assert.ok(attempt < 60, left.join('; '));
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  };

  before(async () => {
    targets = await startTargets();
  });
  beforeEach(() => {
    nodeDir = mkdtempSync(join(tmpdir(), 'vm-iscsi-'));
    secret = {};
    start();
  });
  afterEach(async () => {
    await stop();
    rmSync(nodeDir, { recursive: true });
  });
  after(async () => targets?.[Symbol.asyncDispose]());

  it('gives a disk that keeps what is written, and logs out after the last pod', async () => {
    const path = await setUp('writer', 'plain');
    writeFileSync(join(path, 'file'), 'written');
    const other = await setUp('other', 'plain');
    assert.equal(readFileSync(join(other, 'file'), 'utf8'), 'written');
    assert.deepEqual(sessions(), [`${iqn}.plain`]);
    await tearDown('writer');
    assert.deepEqual(sessions(), [`${iqn}.plain`]);
    await tearDown('other');
    await nothingIsLeft();
    assert.equal((await knownTargets()).includes(`${iqn}.plain`), false);
    assert.equal(
      readFileSync(join(await setUp('reader', 'plain', { readOnly: true }, true), 'file'), 'utf8'),
      'written',
    );
    await tearDown('reader');
    await nothingIsLeft();
  });

  it('is found again by an agent that was started anew, which logs out', async () => {
    const path = await setUp('pod', 'plain', { fsType: 'ext4' });
    await stop();
    start();
    assert.equal(await setUp('pod', 'plain'), path);
    assert.equal(sessions().length, 1);
    await tearDown('pod');
    await nothingIsLeft();
  });

  it('gives a password to a target that asks for one, and tells of one that is wrong', async () => {
    const asked = { chapAuthSession: true, secretRef: { name: 'chap' } };
    secret = { 'node.session.auth.username': chap.user, 'node.session.auth.password': 'incorrect-horse' };
    await assert.rejects(setUp('stranger', 'guarded', asked), /authorization failure/);
    await tearDown('stranger');
    secret = { ...secret, 'node.session.auth.password': chap.password };
    writeFileSync(join(await setUp('friend', 'guarded', asked), 'file'), 'friend');
    await tearDown('friend');
    await nothingIsLeft();
  });

  it('has a session for each of two portals, and one mount', async () => {
    await setUp('pod', 'paths', { portals: [portals[1]], fsType: 'xfs' });
    assert.deepEqual(sessions(), [`${iqn}.paths`, `${iqn}.paths`]);
    assert.match(readFileSync('/proc/mounts', 'utf8'), /^\/dev\/sd\S+ \S*iscsi\S* xfs rw/m);
    await tearDown('pod');
    await nothingIsLeft();
  });

  it('uses an initiator’s name that a volume brings', async () => {
    await setUp('pod', 'plain', { initiatorName: 'iqn.2026-11.example:own' });
    const { stdout } = await thisMachine
      .run('iscsiadm', ['-m', 'session', '-P', '1'])
      .then(({ output }) => ({ stdout: output }));
    assert.match(stdout, /Iface Initiatorname: iqn\.2026-11\.example:own/);
    await tearDown('pod');
    await nothingIsLeft();
  });
});
