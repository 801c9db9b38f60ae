// Which runtime a node is to use, by flags, by file and by what the cluster was made with.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findProgram } from '../preflight.ts';
import { checkNode, refuseFurtherNodes, runtimeChoice, runtimeOfMachine } from './machine-runtime.ts';

let folder: string;
let file: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runtime-'));
  file = join(folder, 'kubelet.yaml');
  await writeFile(
    file,
    `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
imageServiceEndpoint: unix:///run/images.sock
`,
  );
});
after(() => rm(folder, { recursive: true }));

const crio = 'unix:///run/crio/crio.sock';
const refused = (message: RegExp) => ({ name: 'UserFailure', code: 'E_CONTAINER_RUNTIME', message });

test('nobody names a runtime: the node has a containerd of its own', async () => {
  assert.deepEqual(await runtimeChoice({}, undefined), {});
  assert.equal(await runtimeOfMachine({}, true, {}), undefined);
});

test('a KubeletConfiguration names one, and a flag goes before it', async () => {
  const imageSocket = '/run/images.sock';
  assert.deepEqual(await runtimeChoice({}, file), {
    machineRuntime: { socket: '/run/containerd/containerd.sock', imageSocket },
  });
  assert.deepEqual(await runtimeChoice({ containerRuntimeEndpoint: crio, imageServiceEndpoint: crio }, file), {
    machineRuntime: { socket: '/run/crio/crio.sock' },
  });
});

test('a cluster keeps the one that it was made with, and its folder of networks', async () => {
  const machineRuntime = { socket: '/run/crio/crio.sock', cniConfDir: '/etc/cni/net.d' };
  assert.deepEqual(await runtimeOfMachine({}, true, { machineRuntime, kubeletConfigFile: file }), machineRuntime);
  assert.deepEqual(
    await runtimeOfMachine({ containerRuntimeEndpoint: crio }, true, { machineRuntime }),
    machineRuntime,
  );
  assert.deepEqual(await runtimeOfMachine({ cniConfDir: '/etc/cni' }, true, { machineRuntime }), {
    ...machineRuntime,
    cniConfDir: '/etc/cni',
  });
});

test('what is no socket, or is for nobody, is refused with a word on what is expected', async () => {
  await assert.rejects(
    runtimeChoice({ containerRuntimeEndpoint: 'npipe:////./pipe/x' }, undefined),
    refused(/unix:\/\//),
  );
  await assert.rejects(runtimeChoice({ cniConfDir: '/etc/cni/net.d' }, undefined), refused(/--cni-conf-dir/));
  await assert.rejects(runtimeOfMachine({ containerRuntimeEndpoint: crio }, false, undefined), refused(/simulated/));
  assert.throws(() => refuseFurtherNodes({ socket: '/run/crio/crio.sock' }, 2), refused(/one node, this machine/));
  refuseFurtherNodes(undefined, 3);
});

const skip = (process.getuid?.() !== 0 && 'needs root') || (!findProgram('nft') && 'needs nft');

test('one that is not there is told by its socket', { skip }, async () => {
  const socket = join(folder, 'absent.sock');
  await assert.rejects(checkNode({ socket }, 'dev'), {
    ...refused(/does not answer: there is no such socket/),
    exitCode: 50,
  });
});
