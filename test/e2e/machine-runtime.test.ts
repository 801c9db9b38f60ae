// A node in a container runtime that is the machine's own: it is used, its other pods are left alone, and it outlives the cluster.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { silentLogger } from '../../src/base/log.ts';
import { removeCgroup } from '../../src/cluster/down.ts';
import { checkRealNode } from '../../src/cluster/preflight.ts';
import { ensureContainerd, findContainerd, stopContainerd } from '../../src/kubelet/runtime/containerd-daemon.ts';
import { createCriRuntime } from '../../src/kubelet/runtime/cri/cri-runtime.ts';
import type { ContainerRuntime } from '../../src/kubelet/runtime/runtime.ts';
import { root, run, TestCluster, whyNoContainers } from './cluster.ts';

const skip = whyNoContainers() ?? false;

describe("a container runtime of the machine's own", { skip }, () => {
  let folder: string;
  let endpoint: string;
  let cniConfDir: string;
  let pid: number;
  let runtime: ContainerRuntime;
  let strangerId: string;
  let cluster: TestCluster;
  const strangersCgroup = `stranger-${process.pid}`;

  /** A pod of somebody else's kubelet. */
  const stranger = () =>
    runtime.runSandbox({
      metadata: { name: 'stranger', uid: 'of-another-cluster', namespace: 'elsewhere', attempt: 0 },
      logDirectory: join(folder, 'logs'),
      portMappings: [],
      labels: {
        'io.kubernetes.pod.name': 'stranger',
        'io.kubernetes.pod.namespace': 'elsewhere',
        'io.kubernetes.pod.uid': 'of-another-cluster',
      },
      annotations: {},
      linux: {
        cgroupParent: `/${strangersCgroup}`,
        securityContext: { namespaceOptions: { network: 'NODE', pid: 'CONTAINER', ipc: 'POD' } },
      },
    });
  const runs = async (of: TestCluster) => {
    await of.eventually(
      'the default service account is there',
      async () => (await of.tryKubectl('get sa default')).code === 0,
    );
    await of.kubectl('run web --image=busybox:1.36 --restart=Always -- sleep 3600');
    await of.kubectl('wait pod/web --for=condition=Ready --timeout=60s');
    return (await of.json('get pod web')).status.containerStatuses[0];
  };
  const states = async () =>
    Object.fromEntries((await runtime.listSandboxes()).map(({ metadata, state }) => [metadata.name, state]));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cor-rt-'));
    const { containerd: binary, cniPlugins: cniBinDir } = checkRealNode();
    const dataDir = join(folder, 'containerd');
    cniConfDir = join(folder, 'net.d');
    const sandboxImage = 'registry.k8s.io/pause:3.10';
    const daemon = await ensureContainerd({ dataDir, sandboxImage, cniBinDir, cniConfDir, binary });
    pid = daemon.pid;
    endpoint = `unix://${daemon.socketPath}`;
    runtime = createCriRuntime({ socketPath: daemon.socketPath, log: silentLogger });
    for (const image of ['pause', 'busybox']) {
      const archive = join(root, `build/images/${image}.tar`);
      const { code, stderr } = await run('ctr', ['-a', daemon.socketPath, '-n', 'k8s.io', 'images', 'import', archive]);
      assert.equal(code, 0, stderr);
    }
    strangerId = await stranger();
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await runtime?.stopSandbox(strangerId);
    await runtime?.removeSandbox(strangerId);
    runtime?.close();
    await stopContainerd(join(folder, 'containerd'));
    await removeCgroup(strangersCgroup);
    await rm(folder, { recursive: true, force: true });
  });

  test('is refused where it has no network for pods, and the folder that it reads is named', async () => {
    await assert.rejects(TestCluster.create({ flags: ['--container-runtime-endpoint', endpoint] }), ({ message }) => {
      assert.match(message, /up failed \(50\)/);
      assert.ok(
        message.includes(`has no network for pods`) && message.includes(`--cni-conf-dir ${cniConfDir}`),
        message,
      );
      return true;
    });
  });

  test('runs the pods of its node', async () => {
    cluster = await TestCluster.create({
      flags: ['--container-runtime-endpoint', endpoint, '--cni-conf-dir', cniConfDir],
    });
    await runs(cluster);
    const [node] = (await cluster.json('get nodes')).items;
    assert.match(node.status.nodeInfo.containerRuntimeVersion, /^containerd:\/\//);
    assert.deepEqual(await states(), { web: 'SANDBOX_READY', stranger: 'SANDBOX_READY' });
    const { stdout } = await cluster.coracle(['image', 'ls']);
    assert.match(stdout, /^busybox:1\.36\t/m);
  });

  test('serves one node, this machine', async () => {
    const added = await cluster.coracle(['node', 'add']);
    assert.equal(added.code, 14);
    assert.match(added.stderr, /serves one node, this machine \(E_CONTAINER_RUNTIME\)/);
  });

  test('serves another cluster beside, which is named to it by a KubeletConfiguration', async () => {
    const { containerID } = (await cluster.json('get pod web')).status.containerStatuses[0];
    const file = join(folder, 'kubelet.yaml');
    await writeFile(
      file,
      `{apiVersion: kubelet.config.k8s.io/v1beta1, kind: KubeletConfiguration, containerRuntimeEndpoint: "${endpoint}"}`,
    );
    const other = await TestCluster.create({ flags: ['--kubelet-config', file] });
    try {
      await runs(other);
      assert.equal((await runtime.listSandboxes()).length, 3);
    } finally {
      await other[Symbol.asyncDispose]();
    }
    assert.deepEqual(await states(), { web: 'SANDBOX_READY', stranger: 'SANDBOX_READY' });
    const status = (await cluster.json('get pod web')).status.containerStatuses[0];
    assert.deepEqual([status.containerID, status.restartCount], [containerID, 0]);
  });

  test('outlives the cluster with the pods of others', async () => {
    const { code, stderr } = await cluster.coracle(['delete', '--yes']);
    assert.equal(code, 0, stderr);
    assert.deepEqual(await states(), { stranger: 'SANDBOX_READY' });
    assert.equal(await findContainerd(join(folder, 'containerd')), pid);
    assert.deepEqual(await readdir(cniConfDir), []);
  });
});
