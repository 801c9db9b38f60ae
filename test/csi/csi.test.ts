// A driver that is a process of this machine, under a whole cluster: announced, attached, staged, published, and failing in
// every way. Upstream's sidecars and pods with drivers in them: `make csi`.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connectUnix } from '../../src/kubelet/grpc/unix-client.ts';
import { root, TestCluster, whyNoContainers } from '../e2e/cluster.ts';
import { controllerService } from './stand-ins/csi-proto.ts';
import type { Fault } from './stand-ins/faults.ts';
import { announce } from './stand-ins/registrar.ts';

const driver = 'tiny.csi.test';

describe('a CSI driver', { skip: whyNoContainers() ?? false }, () => {
  let cluster: TestCluster;
  let running: ChildProcess;
  const children: ChildProcess[] = [];
  const apply = (...objects: object[]) =>
    cluster.kubectl('apply -f -', { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }) });
  const ready = (pod: string) => cluster.kubectl(`wait --for=condition=Ready --timeout=120s pod/${pod}`);
  const logs = (pod: string, pattern: RegExp) =>
    cluster.eventually(`${pod} says ${pattern}`, async () => pattern.test(await cluster.kubectl(`logs ${pod}`)));
  const nodeDir = () => join(cluster.dataDir, 'node');
  const socket = () => join(nodeDir(), 'plugins/tiny/csi.sock');
  const stateDir = () => join(cluster.folder, 'driver');
  const calls = (method: string): any[] =>
    readFileSync(join(stateDir(), 'calls.log'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
      .filter((each) => each.method === method);
  const event = (reason: string, pattern: RegExp) =>
    cluster.eventually(`${reason} ${pattern}`, async () =>
      (await cluster.json('get events')).items.some(
        (each: any) => each.reason === reason && pattern.test(each.message),
      ),
    );

  function start(...args: string[]): ChildProcess {
    const program = join(root, 'test/csi/stand-ins/main.ts');
    const child = spawn(process.execPath, ['--no-warnings', program, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    return child;
  }

  async function startDriver(): Promise<ChildProcess> {
    const registration = join(nodeDir(), 'plugins_registry', `${driver}-reg.sock`);
    const { metadata } = (await cluster.json('get nodes')).items[0];
    const child = start(
      'driver',
      `--drivername=${driver}`,
      `--endpoint=${socket()}`,
      `--nodeid=id-of-${metadata.name}`,
      `--statedir=${stateDir()}`,
      `--kubelet-dir=${nodeDir()}`,
      `--registration=${registration}`,
      '--max-volumes-per-node=7',
    );
    let text = '';
    child.stdout!.on('data', (chunk) => {
      text += chunk;
    });
    await cluster.eventually('the driver is registered', async () => text.includes('is registered'));
    return child;
  }

  /** A volume of the driver, and a claim that has it. */
  async function volume(name: string, volumeMode: 'Filesystem' | 'Block'): Promise<void> {
    const client = connectUnix(socket(), controllerService);
    const capability = { accessMode: { mode: 1 }, ...(volumeMode === 'Block' ? { block: {} } : { mount: {} }) };
    const request = { name, volumeCapabilities: [capability], capacityRange: { requiredBytes: 4 << 20 } };
    const made = await client.call('CreateVolume', request);
    client.close();
    const shared = { accessModes: ['ReadWriteOnce'], volumeMode, storageClassName: '' };
    const csi = { driver, volumeHandle: made.volume.volumeId, fsType: 'ext4', volumeAttributes: { colour: 'blue' } };
    await apply(
      {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: `pv-${name}` },
        spec: { ...shared, capacity: { storage: '4Mi' }, claimRef: { namespace: 'default', name }, csi },
      },
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name },
        spec: { ...shared, volumeName: `pv-${name}`, resources: { requests: { storage: '4Mi' } } },
      },
    );
  }

  const pod = (name: string, script: string, spec: object, container: object) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'c',
          image: 'busybox',
          imagePullPolicy: 'Never',
          command: ['sh', '-c', `${script}; exec sleep 1000`],
          ...container,
        },
      ],
      ...spec,
    },
  });

  const inlinePod = (name: string, fault?: Fault) =>
    pod(
      name,
      'id -G; echo hello > /data/x; ls -ln /data/x',
      {
        securityContext: { fsGroup: 4321 },
        volumes: [
          {
            name: 'data',
            csi: {
              driver,
              volumeAttributes: { a: 'b', ...(fault ? { fault } : {}) },
              nodePublishSecretRef: { name: 'key' },
            },
          },
        ],
      },
      { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
    );

  /** All that drivers and their volumes left in the node's folder. */
  const left = () =>
    [join(nodeDir(), 'pods'), join(nodeDir(), 'plugins/kubernetes.io/csi')]
      .flatMap((folder) => (existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []))
      .filter((path) => /vol_data|globalmount|kubernetes.io~csi\/.|volumeDevices\/.+\//.test(path));

  before(async () => {
    cluster = await TestCluster.create();
    await cluster.loadImages('pause', 'busybox');
    await apply(
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'CSIDriver',
        metadata: { name: driver },
        spec: { podInfoOnMount: true, volumeLifecycleModes: ['Persistent', 'Ephemeral'], fsGroupPolicy: 'File' },
      },
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key' }, stringData: { word: 'not for every eye' } },
    );
    running = await startDriver();
    start('attacher', `--csi-address=${socket()}`, `--kubeconfig=${cluster.kubeconfig}`).stdout!.resume();
    await cluster.eventually(
      'the default service account is there',
      async () => (await cluster.tryKubectl('get sa default')).code === 0,
    );
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await cluster?.[Symbol.asyncDispose]();
  });

  test('that announces itself is known to the cluster', async () => {
    const [csiNode] = (await cluster.json('get csinodes')).items;
    const name = csiNode.metadata.name;
    const topologyKeys = [`topology.${driver}/node`];
    assert.deepEqual(csiNode.spec.drivers, [
      { name: driver, nodeID: `id-of-${name}`, topologyKeys, allocatable: { count: 7 } },
    ]);
    assert.equal(csiNode.metadata.ownerReferences[0].kind, 'Node');
    const { labels, annotations } = (await cluster.json(`get node ${name}`)).metadata;
    assert.equal(labels[topologyKeys[0]!], `id-of-${name}`);
    assert.equal(annotations['csi.volume.kubernetes.io/nodeid'], JSON.stringify({ [driver]: `id-of-${name}` }));
  });

  test('has no second one beside it by the same name', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const socketPath = join(nodeDir(), 'plugins_registry', 'another-reg.sock');
    await using _ = await announce({ name: driver, endpoint: socket(), socketPath, onAnswer: resolve });
    assert.match(await promise, /Another driver with the same name is already registered .*: "1\.0\.0"/);
  });

  test('makes a volume for one pod, and is told which', async () => {
    await apply(inlinePod('inline'));
    await ready('inline');
    await logs('inline', /4321[\s\S]*-rw-r--r--\s+1 0\s+4321/);
    const { request } = calls('NodePublishVolume').at(-1);
    assert.equal(request.volumeContext.a, 'b');
    assert.equal(request.volumeContext['csi.storage.k8s.io/pod.name'], 'inline');
    assert.deepEqual(request.secrets, { word: 'not for every eye' });
    await cluster.kubectl('delete pod inline');
    await cluster.eventually('nothing is left of it', async () => left().length === 0);
  });

  test('has a volume and a device attached, staged, published, and taken back', async () => {
    await volume('files', 'Filesystem');
    await volume('disk', 'Block');
    const claims = {
      volumes: ['files', 'disk'].map((name) => ({ name, persistentVolumeClaim: { claimName: name } })),
    };
    const script =
      'cat /data/x; echo kept >/data/x; echo on disk | dd of=/dev/disk conv=sync 2>/dev/null; head -c 7 /dev/disk; echo';
    const mounts = {
      volumeMounts: [{ name: 'files', mountPath: '/data' }],
      volumeDevices: [{ name: 'disk', devicePath: '/dev/disk' }],
    };
    await apply(pod('first', script, claims, mounts));
    await ready('first');
    await logs('first', /on disk\n/);
    const { status } = (await cluster.json('get nodes')).items[0];
    assert.equal(status.volumesInUse.length, 2);
    assert.deepEqual(status.volumesAttached.map((each: any) => each.name).sort(), status.volumesInUse);
    const published = calls('NodePublishVolume').find((each) => each.request.volumeContext.colour);
    assert.equal(published.request.publishContext['attached-by'], driver);
    await cluster.kubectl('delete pod first');
    await cluster.eventually(
      'both are detached',
      async () => (await cluster.json('get volumeattachments')).items.length === 0,
    );
    assert.deepEqual(left(), []);
    await apply(pod('second', script, claims, mounts));
    await ready('second');
    await logs('second', /^kept/);
  });

  test('keeps its volumes when the agent is killed, and takes back those of pods that went meanwhile', async () => {
    await cluster.kubectl('delete pod second --wait=false');
    const { components } = JSON.parse((await cluster.coracle(['status', '-o', 'json'])).stdout);
    process.kill(components.find((each: any) => each.name === 'node').pid, 'SIGKILL');
    await cluster.eventually('all is given back', async () => {
      const attachments = (await cluster.json('get volumeattachments')).items;
      return attachments.length === 0 && left().length === 0;
    });
  });

  test('that refuses, lies, hangs or dies is in the events, keeps no other pod waiting, and is asked again', async () => {
    const faults: Fault[] = ['refuse', 'lie', 'hang'];
    await apply(...faults.map((fault) => inlinePod(fault, fault)));
    const failed = (problem: string) => new RegExp(`^MountVolume.SetUp failed for volume "data" : ${problem}`);
    await event('FailedMount', failed('rpc error: code = Internal desc = no luck$'));
    await event('FailedMount', failed('the driver said that it published the volume, but nothing is at'));
    await Promise.all(['refuse', 'lie'].map(ready));
    assert.equal((await cluster.json('get pod hang')).status.phase, 'Pending');
    const ended = once(running, 'exit');
    await apply(inlinePod('die', 'die'));
    await ended;
    await event('FailedMount', failed('rpc error: code = Unavailable'));
    running = await startDriver();
    await Promise.all(['hang', 'die'].map(ready));
  });
});
