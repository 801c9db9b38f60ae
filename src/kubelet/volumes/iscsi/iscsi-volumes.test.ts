// iSCSI volumes with real file systems, mounts and loop devices. This kernel has no SCSI, so that a stand-in for the initiator's
// tool is in the PATH (src/kubelet/testing/iscsiadm.ts). Needs root and loop devices.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { ISCSIVolumeSource, Pod } from '../../../../generated/core-v1.ts';
import { nodeKind } from '../../../../generated/kinds.ts';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/log.ts';
import type { Client } from '../../../client/client.ts';
import { createFakeCluster, type FakeCluster } from '../../testing/fake-cluster.ts';
import { createIscsiTargets, type IscsiTargets } from '../../testing/iscsi-targets.ts';
import { systemMounter } from '../mounter.ts';
import { NodeAttachments } from '../node-attachments.ts';
import { VolumeFailure } from '../volume-failure.ts';
import type { IscsiRequest } from './disk.ts';
import { IscsiNode } from './iscsi-volumes.ts';
import type { IscsiMachine } from './settings.ts';

const portal = '192.0.2.7:3260';
const deadPortal = '192.0.2.8:3260';
const iqn = 'iqn.2003-01.io.k8s:e2e.volume-1';
const source: ISCSIVolumeSource = { targetPortal: '192.0.2.7', iqn, lun: 0, iscsiInterface: 'default' };
const chap = { username: 'reader', password: 'correct horse=battery #staple' };
const chapSecret = {
  'discovery.sendtargets.auth.username': chap.username,
  'discovery.sendtargets.auth.password': chap.password,
  'node.session.auth.username': chap.username,
  'node.session.auth.password': chap.password,
};
const never = new AbortController().signal;
const canLoop = (): boolean => {
  try {
    execFileSync('losetup', ['--find'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
};

const podNamed = (uid: string) => ({ metadata: { name: uid, namespace: 'default', uid } }) as Pod;
const request = (more: Partial<ISCSIVolumeSource> = {}, asked: Partial<IscsiRequest> = {}): IscsiRequest => ({
  name: 'data',
  podVolume: 'data',
  source: { ...source, ...more },
  isReadOnly: false,
  isBlock: false,
  mountOptions: [],
  ...asked,
});

describe('iSCSI volumes', { skip: canLoop() ? false : 'needs root and loop devices' }, () => {
  let targets: IscsiTargets;
  let nodeDir: string;
  let stopAgent: () => Promise<void>;
  let node: IscsiNode;
  let secret: Record<string, string>;
  let cluster: FakeCluster;
  /** How often the node's object was read. */
  let looks = 0;
  const disk = (name: string) => join(targets.dir, 'disks', name);

  const nodes = () => {
    const resource = cluster.client.resource(nodeKind);
    const get: typeof resource.get = (...args) => {
      looks += 1;
      return resource.get(...args);
    };
    return { ...resource, get };
  };
  const nodeKey = { namespace: '', name: 'n' };
  /** What the node says of its volumes. */
  const inUse = () => cluster.objects('nodes')[0].status.volumesInUse;

  const startAgent = (machine: Partial<IscsiMachine> = {}, isManaged = false) => {
    const stopping = new AbortController();
    const attachments = new NodeAttachments({
      nodeName: 'n',
      client: { resource: nodes } as unknown as Client,
      clock: systemClock,
      isManaged,
      writeStatus: async () => {
        const volumesInUse = [...((await attachments.volumesInUse()) ?? [])];
        await nodes().patch(nodeKey, { status: { volumesInUse } }, { type: 'merge', subresource: 'status' });
      },
    });
    node = new IscsiNode({
      nodeDir,
      mounter: systemMounter,
      clock: systemClock,
      log: silentLogger,
      machine: { ...targets.machine, ...machine },
      attachments,
      secret: async () => secret,
    });
    const done = node.run(stopping.signal);
    stopAgent = () => {
      stopping.abort();
      return done;
    };
  };
  const setUp = (uid: string, asked = request(), signal = never) => node.setUp(podNamed(uid), asked, signal);
  /** What the agent does at a pod's end, with the pod's folder. */
  const tearDown = async (uid: string) => {
    await node.tearDown(uid);
    rmSync(join(nodeDir, 'pods', uid), { recursive: true, force: true });
  };
  const untilNothingIsLeft = async () => {
    const left = async () => [
      ...targets.leftovers(),
      ...(await systemMounter.mountsBelow(nodeDir)),
      ...readdirSync(join(nodeDir, 'plugins/kubernetes.io/iscsi'), { recursive: true }).filter(
        (name) => name !== 'volumeDevices',
      ),
    ];
    while ((await left()).length > 0) await systemClock.sleep(20);
  };
  const told = (uid: string, asked: IscsiRequest, message: RegExp, reason = 'FailedMount') =>
    assert.rejects(setUp(uid, asked), (error) => {
      assert.ok(error instanceof VolumeFailure);
      assert.equal(error.reason, reason);
      assert.match(error.message, message);
      assert.ok(!error.message.includes(chap.password));
      return true;
    });

  before(() => {
    targets = createIscsiTargets();
  });
  beforeEach(async ({ name }) => {
    nodeDir = join(targets.dir, `node-${name.replaceAll(/\W+/g, '-').slice(0, 40)}`);
    mkdirSync(join(nodeDir, 'plugins/kubernetes.io/iscsi'), { recursive: true });
    writeFileSync(join(targets.dir, 'calls'), '');
    secret = chapSecret;
    cluster = createFakeCluster();
    await nodes().create({ metadata: { name: 'n' }, status: {} } as never);
    targets.model({
      portals: [portal],
      targets: { [iqn]: { luns: { 0: targets.disk('zero'), 1: targets.disk('one') } } },
    });
    startAgent();
  });
  afterEach(async () => {
    await stopAgent();
    for (const point of await systemMounter.mountsBelow(nodeDir)) await systemMounter.unmount(point);
  });
  after(() => targets.remove());

  it('are formatted, shared by pods, kept, and given back by the last of them', { timeout: 120_000 }, async () => {
    const first = await setUp('pod-1');
    assert.equal(first.hostPath, join(nodeDir, 'pods/pod-1/volumes/kubernetes.io~iscsi/data'));
    assert.equal(first.takesOwnership, true);
    writeFileSync(join(first.hostPath, 'kept'), 'by the disk');
    const [second, other] = await Promise.all([
      setUp('pod-2', request({}, { isReadOnly: true })),
      setUp('pod-2', request({ lun: 1 }, { name: 'other' })),
    ]);
    assert.equal(second.isReadOnly, true);
    assert.equal(inUse(), undefined, 'a node that attaches for itself says nothing of it');
    writeFileSync(join(other.hostPath, 'kept'), 'elsewhere');
    assert.deepEqual(await setUp('pod-1'), first, 'it may be asked for once more');
    const logins = targets.calls().filter((args) => args.includes('--login'));
    assert.equal(logins.length, 1, 'one session is for all disks of a target');
    assert.match(execFileSync('blkid', ['-p', disk('zero')], { encoding: 'utf8' }), /ext4/);
    await tearDown('pod-1');
    assert.equal(readFileSync(join(second.hostPath, 'kept'), 'utf8'), 'by the disk');
    await tearDown('pod-2');
    await untilNothingIsLeft();
    const third = await setUp('pod-3', request({}, { isReadOnly: true }));
    assert.equal(readFileSync(join(third.hostPath, 'kept'), 'utf8'), 'by the disk');
    assert.throws(() => writeFileSync(join(third.hostPath, 'more'), ''), /EROFS/);
    await tearDown('pod-3');
    await untilNothingIsLeft();
  });

  it('are devices where they are asked for as such', { timeout: 120_000 }, async () => {
    const block = request({ lun: 1 }, { name: 'pv-1', isBlock: true });
    const { device, hostPath } = await setUp('pod-1', block);
    assert.equal(hostPath, '');
    assert.ok(statSync(device!).isBlockDevice());
    assert.equal(realpathSync(join(nodeDir, 'pods/pod-1/volumeDevices/kubernetes.io~iscsi/pv-1')), device);
    writeFileSync(device!, 'raw', { flag: 'r+' });
    assert.equal((await setUp('pod-2', block)).device, device);
    await tearDown('pod-1');
    assert.equal(readFileSync(device!).subarray(0, 3).toString(), 'raw');
    await tearDown('pod-2');
    await untilNothingIsLeft();
    assert.equal(readFileSync(disk('one')).subarray(0, 3).toString(), 'raw');
  });

  it('log in with a password that no process list shows', { timeout: 120_000 }, async () => {
    const { targets: model } = JSON.parse(readFileSync(join(targets.dir, 'model.json'), 'utf8'));
    targets.model({ portals: [portal], discoveryChap: chap, targets: { [iqn]: { ...model[iqn], chap } } });
    const asked = request({ chapAuthDiscovery: true, chapAuthSession: true, secretRef: { name: 'chap' } });
    secret = { ...chapSecret, 'discovery.sendtargets.auth.password': 'wrong' };
    await told(
      'pod-1',
      asked,
      /^MountVolume\.WaitForAttach failed for volume "data" : failed to get any path for iscsi disk, last err seen:\niscsi: failed to sendtargets to portal 192\.0\.2\.7:3260 output: .*authorization failure\n, err exit status 24$/s,
    );
    secret = { ...chapSecret, 'node.session.auth.password': 'wrong' };
    await told('pod-1', asked, /iscsi: failed to attach disk: Error: .*authorization failure\)\n \(exit status 24\)$/s);
    secret = { ...chapSecret, 'node.session.auth.password': 'two\nnode.startup = automatic' };
    await told('pod-1', asked, /the value of node\.session\.auth\.password cannot be written to a record$/);
    secret = chapSecret;
    await setUp('pod-1', asked);
    const record = join(targets.dir, 'records/nodes', iqn, '192.0.2.7,3260,1/default');
    assert.ok(readFileSync(record, 'utf8').includes(`node.session.auth.password = ${chap.password}\n`));
    assert.equal(statSync(record).mode & 0o777, 0o600);
    const found = join(targets.dir, 'records/send_targets/192.0.2.7,3260/st_config');
    assert.ok(!readFileSync(found, 'utf8').includes(chap.password), 'it is not kept where nobody needs it');
    assert.ok(!readFileSync(join(targets.dir, 'calls'), 'utf8').includes(chap.password));
    await tearDown('pod-1');
    await untilNothingIsLeft();
  });

  it('say what is wrong with a target, and leave nothing of it', { timeout: 120_000 }, async () => {
    const elsewhere = request({ targetPortal: deadPortal });
    await told(
      'pod-1',
      elsewhere,
      /: failed to get any path for iscsi disk, last err seen:\niscsi: failed to sendtargets to portal 192\.0\.2\.8:3260 output: .*Connection refused\n.*, err exit status 4$/s,
    );
    await told(
      'pod-1',
      request({ iqn: `${iqn}-none` }),
      /failed to attach disk: Error: .*No records found\n \(exit status 21\)$/s,
    );
    await told('pod-1', request({ iscsiInterface: 'none' }), /could not read iface none/);
    await told(
      'pod-1',
      request({ fsType: 'none' }),
      /MountVolume\.MountDevice failed .* format of disk ".*" failed: type:\("none"\)/,
    );
    await tearDown('pod-1');
    await stopAgent();
    startAgent({ deviceWaitMs: 0 });
    await told('pod-2', request({ lun: 9 }), /Timed out waiting for device at path .*-lun-9 after 0s$/);
    await tearDown('pod-2');
    await untilNothingIsLeft();
  });

  it('are not waited for once nobody wants them', { timeout: 120_000 }, async () => {
    const leaving = new AbortController();
    const waiting = setUp('pod-1', request({ lun: 9 }), leaving.signal);
    const isIn = () => targets.leftovers().some((name) => name.startsWith('host'));
    while (!isIn()) await systemClock.sleep(20);
    leaving.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
    await tearDown('pod-1');
    await untilNothingIsLeft();
  });

  it('never lose what is on a disk to a file system', { timeout: 120_000 }, async () => {
    await told('pod-1', request({}, { isReadOnly: true }), /cannot mount unformatted disk .* in read-only mode$/);
    execFileSync('mkswap', [disk('one')]);
    const before = readFileSync(disk('one'));
    await told('pod-2', request({ lun: 1 }), /MountVolume\.MountDevice failed for volume "data" : mount failed/);
    assert.ok(readFileSync(disk('one')).equals(before));
    await tearDown('pod-1');
    await tearDown('pod-2');
    await untilNothingIsLeft();
  });

  it('are found again after the agent was killed', { timeout: 120_000 }, async () => {
    const { hostPath } = await setUp('pod-1');
    await setUp('pod-2', request({ lun: 1 }, { name: 'raw', isBlock: true }));
    await setUp('pod-3', request({}, { name: 'lost' }));
    await stopAgent();
    await systemMounter.unmount(join(nodeDir, 'pods/pod-3/volumes/kubernetes.io~iscsi/lost'));
    rmSync(join(nodeDir, 'pods/pod-3'), { recursive: true });
    startAgent();
    assert.equal((await setUp('pod-1')).hostPath, hostPath);
    writeFileSync(join(hostPath, 'still'), 'there');
    await tearDown('pod-1');
    await tearDown('pod-2');
    await untilNothingIsLeft();
  });

  it('are said to be in use, then waited for, and in use until they are given back', { timeout: 120_000 }, async () => {
    await stopAgent();
    startAgent({}, true);
    const name = `kubernetes.io/iscsi/192.0.2.7:${iqn}:0`;
    const spelled = `kubernetes.io/iscsi/${portal}:${iqn}:0`;
    const attached = async (...names: string[]) => {
      const volumesAttached = names.map((each) => ({ name: each, devicePath: '' }));
      await nodes().patch(nodeKey, { status: { volumesAttached } }, { type: 'merge', subresource: 'status' });
    };
    let isThere = false;
    const waiting = setUp('pod-1').finally(() => {
      isThere = true;
    });
    while (!inUse()?.includes(name)) await systemClock.sleep(20);
    await attached(`${name}0`);
    for (const enough = looks + 2; looks < enough; ) await systemClock.sleep(20);
    const calls = readFileSync(join(targets.dir, 'calls'), 'utf8');
    assert.deepEqual([isThere, calls], [false, ''], 'nothing is done with a disk that may be elsewhere');
    await attached(name);
    await waiting;
    await attached(name, spelled);
    await setUp('pod-2', request({ targetPortal: portal }));
    assert.deepEqual(inUse(), [spelled, name].sort(), 'one disk under two names');
    await stopAgent();
    startAgent({}, true);
    await tearDown('pod-1');
    await tearDown('pod-2');
    await untilNothingIsLeft();
    while (inUse().length > 0) await systemClock.sleep(20);
  });

  it('are not waited for by pods that go', { timeout: 120_000 }, async () => {
    await stopAgent();
    startAgent({}, true);
    const leaving = new AbortController();
    const waiting = setUp('pod-1', request(), leaving.signal);
    while (!inUse()?.length) await systemClock.sleep(20);
    leaving.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
    await tearDown('pod-1');
    while (inUse().length > 0) await systemClock.sleep(20);
  });

  it('stay where somebody else on the machine uses them', { timeout: 120_000 }, async () => {
    await setUp('pod-1');
    const [link] = readdirSync(join(targets.dir, 'by-path')).filter((name) => name.endsWith('lun-0'));
    const elsewhere = join(targets.dir, 'elsewhere');
    mkdirSync(elsewhere);
    execFileSync('mount', [realpathSync(join(targets.dir, 'by-path', link!)), elsewhere]);
    await tearDown('pod-1');
    const isUnmounted = async () => (await systemMounter.mountsBelow(nodeDir)).length === 0;
    while (!(await isUnmounted())) await systemClock.sleep(20);
    assert.ok(!targets.calls().some((args) => args.includes('--logout')));
    execFileSync('umount', [elsewhere]);
    await untilNothingIsLeft();
  });

  it('go by an interface of their own, and by the portals that answer', { timeout: 120_000 }, async () => {
    const initiatorName = 'iqn.2026-11.io.k8s:initiator';
    const asked = request({ initiatorName, portals: [deadPortal] });
    const { hostPath } = await setUp('pod-1', asked);
    writeFileSync(join(hostPath, 'there'), '');
    const iface = readFileSync(join(targets.dir, 'records/ifaces', `${portal}:data`), 'utf8');
    assert.match(iface, /^iface\.initiatorname = iqn\.2026-11\.io\.k8s:initiator$/m);
    await tearDown('pod-1');
    await untilNothingIsLeft();
  });
});
